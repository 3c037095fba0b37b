"""What of an HTML page an index is made of: its links, and what its head says. Pure, of hostile text.

Browsers' rules for broken HTML are followed as far as the parser of the standard library does. It is given little at a
time: that bounds what one unfinished piece of markup costs, which a hostile page could otherwise make it look at again
and again.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from html.parser import HTMLParser

from mirror.errors import UpstreamUnavailableError

MOST_TAGS = 4_000_000
"""A page of more is refused; the list of all of PyPI would have some two million."""

LONGEST_TEXT = 500
"""In characters: no more of a link's or a heading's text is looked at."""

_AT_A_TIME = 2**13
_LONGEST_MARKUP = 2**16
_SERIAL = re.compile(r"\A\s*SERIAL (\d{1,18})\s*\Z")
_HEADINGS = ("title", "h1")


@dataclass(frozen=True, slots=True)
class Anchor:
    """A link. Of its attributes, an empty one and one without a value are both `""`."""

    href: str
    attributes: Mapping[str, str]
    text: str


@dataclass(frozen=True, slots=True)
class Head:
    """What a page says beside its links.

    `base` is where relative links begin (`<base href>`), `metas` what stands in `<meta name="pypi:...">` by the name
    behind the colon, `serial` what PyPI writes in a comment, `headings` the title and first heading.
    """

    base: str | None
    metas: Mapping[str, str]
    serial: str | None
    headings: tuple[str, ...]


def read_anchors(body: bytes, found: Callable[[Anchor], None]) -> Head:
    """Gives each link to `found`, in the page's order. Raises UpstreamUnavailableError for what is no HTML."""
    if body.count(b"<") > MOST_TAGS:
        raise UpstreamUnavailableError(f"the page has more than {MOST_TAGS} tags")
    text = body.decode("utf-8-sig", errors="replace")
    reader = _Reader(found)
    for start in range(0, len(text), _AT_A_TIME):
        try:
            reader.feed(text[start : start + _AT_A_TIME])
        # The first is how some versions of the parser refuse markup of which they know only the beginning.
        except (AssertionError, ValueError) as e:
            raise UpstreamUnavailableError("the page is not HTML that can be read") from e
        if len(reader.rawdata) > _LONGEST_MARKUP:
            raise UpstreamUnavailableError("the page has markup that does not end")
    if "<" in reader.rawdata:
        raise UpstreamUnavailableError("the page breaks off within its markup")
    return reader.head()


class _Reader(HTMLParser):
    """Takes the tags as they come. The links of a page are not built up to a tree."""

    def __init__(self, found: Callable[[Anchor], None]) -> None:
        super().__init__(convert_charrefs=True)
        self._found = found
        self._base: str | None = None
        self._metas: dict[str, str] = {}
        self._serial: str | None = None
        self._headings: dict[str, str] = {}
        self._heading: str | None = None
        self._open: dict[str, str] | None = None
        self._text = ""

    def head(self) -> Head:
        """What was said beside the links, once all was read."""
        self._end_anchor()
        return Head(self._base, self._metas, self._serial, tuple(self._headings.values()))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """A tag opens."""
        if tag == "a":
            # HTML has no link within a link: the second one ends the first.
            self._end_anchor()
            self._open, self._text = _attributes(attrs), ""
        elif tag == "base" and self._base is None:
            self._base = _attributes(attrs).get("href")
        elif tag == "meta":
            self._note_meta(_attributes(attrs))
        elif tag in _HEADINGS:
            self._heading = None if tag in self._headings else tag

    def handle_endtag(self, tag: str) -> None:
        """A tag closes."""
        if tag == "a":
            self._end_anchor()
        elif tag in _HEADINGS:
            self._heading = None

    def handle_data(self, data: str) -> None:
        """Text."""
        if self._open is not None and len(self._text) <= LONGEST_TEXT:
            self._text += data[: LONGEST_TEXT + 1]
        if self._heading is not None:
            known = self._headings.get(self._heading, "")
            self._headings[self._heading] = (known + data[: LONGEST_TEXT + 1])[:LONGEST_TEXT]

    def handle_comment(self, data: str) -> None:
        """A comment."""
        if (serial := _SERIAL.match(data)) is not None:
            self._serial = serial[1]

    def _note_meta(self, attributes: Mapping[str, str]) -> None:
        name = attributes.get("name", "")
        if name.startswith("pypi:") and "content" in attributes:
            self._metas.setdefault(name.removeprefix("pypi:"), attributes["content"])

    def _end_anchor(self) -> None:
        attributes, self._open = self._open, None
        if attributes is not None and "href" in attributes:
            self._found(Anchor(attributes["href"].strip(), attributes, self._text.strip()))


def _attributes(attrs: list[tuple[str, str | None]]) -> dict[str, str]:
    found: dict[str, str] = {}
    for name, value in attrs:
        # Of an attribute given twice the first one counts.
        found.setdefault(name, value or "")
    return found
