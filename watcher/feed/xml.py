"""Feeds as XML: elements whose text and links come from anywhere, and are nothing but text and links."""

import re
from xml.etree.ElementTree import Element, SubElement, tostring

# Everything outside of the production Char of XML 1.0; ElementTree would write such characters as they are.
_NOT_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def add_text(parent: Element, tag: str, text: str, **attributes: str) -> None:
    """Adds an element with a text, without the characters that XML cannot hold."""
    SubElement(parent, tag, attributes).text = _legal(text)


def add_empty(parent: Element, tag: str, **attributes: str) -> None:
    """Adds an element that has attributes only."""
    SubElement(parent, tag, {name: _legal(value) for name, value in attributes.items()})


def written(root: Element) -> bytes:
    """The document of that root."""
    document: bytes = tostring(root, encoding="utf-8", xml_declaration=True)
    return document


def _legal(text: str) -> str:
    return _NOT_XML.sub("", text)
