"""HTML as indexes write it, and what is made of it."""

from html import escape

from mirror.model import ListedFile
from mirror.upstream.entries import ParsedPage
from mirror.upstream.html_page import parse_html_page
from tests.mirror.upstream.readings import DIGEST, LEFTPAD, PAGE_URL

WHEEL = "leftpad-1.0-py3-none-any.whl"


def link(filename: str = WHEEL, href: str | None = None, **attributes: str) -> str:
    """A link to a file; `_` in the names of attributes stands for `-`."""
    address = f"http://127.0.0.1:8000/packages/{filename}#sha256={DIGEST}" if href is None else href
    more = "".join(f' {name.replace("_", "-")}="{escape(value)}"' for name, value in attributes.items())
    return f'<a href="{escape(address)}"{more}>{escape(filename)}</a><br>'


def html(*body: str, head: str = '<meta name="pypi:repository-version" content="1.1">') -> bytes:
    """A page of that head and body."""
    return f"<!DOCTYPE html><html><head>{head}</head><body>\n{''.join(body)}</body></html>".encode()


def read(body: bytes, *, serial_header: str | None = None, etag: str | None = None) -> ParsedPage:
    """The page of leftpad that the body is."""
    return parse_html_page(LEFTPAD, PAGE_URL, body, serial_header=serial_header, etag=etag)


def read_link(filename: str = WHEEL, href: str | None = None, **attributes: str) -> ListedFile:
    """The file that a page with this one link lists."""
    (file,) = read(html(link(filename, href, **attributes))).page.files
    return file
