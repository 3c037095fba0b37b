"""Reads the feed of new releases (RSS 2.0), where there is no better source of news.

Pure. The feed lists what was released lately, and nothing else: no files added later, no yanks, no removals. So it only
says which pages are worth a look. A document is read as a stream and never built up; what of it does not name a project
is passed over, and a document that is no feed is a `BadFeedError`.
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Final

from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import DefusedXMLParser, ParseError

from mirror.errors import EverpinError
from mirror.names import ProjectName, project_name

MOST_ITEMS: Final = 1_000
"""Items beyond that are not looked at; PyPI lists 100."""
LONGEST_TEXT: Final = 1_000
"""A title or time of more characters is none."""

_ITEM: Final = ("rss", "channel", "item")
_FIELDS: Final = ("title", "pubDate")


class BadFeedError(EverpinError, ValueError):
    """What was delivered is not a feed."""


@dataclass(frozen=True, slots=True)
class Release:
    """A release as the feed lists it. `time` is None where the feed does not say when."""

    project: ProjectName
    version: str
    time: datetime | None


def parse_releases(body: bytes) -> tuple[Release, ...]:
    """The releases of a feed, in its order. Raises BadFeedError, and nothing else."""
    items = _Items()
    # No feed needs a document type, and without one there are no entities, hence no bombs and nothing from elsewhere.
    parser = DefusedXMLParser(target=items, forbid_dtd=True)
    try:
        parser.feed(body)
        parser.close()
    except (ParseError, DefusedXmlException, ValueError, LookupError) as e:
        # The last two come from encodings that a document claims to have.
        raise BadFeedError(f"the feed of new releases is not XML that can be read: {type(e).__name__}") from e
    if not items.is_feed:
        raise BadFeedError("the feed of new releases is not RSS")
    return tuple(release for title, time in items.found if (release := _release(title, time)) is not None)


class _Items:
    """Takes the parts of a document as they come and keeps the texts of its items."""

    def __init__(self) -> None:
        self.found: list[tuple[str, str]] = []
        self.is_feed = False
        self._depth = 0
        self._path: list[str] = []
        self._texts: dict[str, str] = {}

    def start(self, tag: str, _attributes: dict[str, str]) -> None:
        """An element begins."""
        self._depth += 1
        if self._depth <= len(_ITEM) + 1:
            self._path.append(tag)
        self.is_feed = self.is_feed or self._path == ["rss", "channel"]
        if self._depth == len(_ITEM):
            self._texts = {}

    def data(self, text: str) -> None:
        """A piece of text."""
        if self._depth != len(_ITEM) + 1 or tuple(self._path[:-1]) != _ITEM or self._path[-1] not in _FIELDS:
            return
        known = self._texts.get(self._path[-1], "")
        if len(known) <= LONGEST_TEXT:
            self._texts[self._path[-1]] = known + text[: LONGEST_TEXT + 1]

    def end(self, _tag: str) -> None:
        """An element ends."""
        if tuple(self._path) == _ITEM and self._depth == len(_ITEM) and len(self.found) < MOST_ITEMS:
            self.found.append((self._texts.get("title", ""), self._texts.get("pubDate", "")))
        if self._depth <= len(_ITEM) + 1:
            self._path.pop()
        self._depth -= 1

    def close(self) -> None:
        """The document ends."""


def _release(title: str, time: str) -> Release | None:
    if len(title) > LONGEST_TEXT:
        return None
    words = title.split()
    name = project_name(words[0]) if len(words) == 2 else None
    return Release(name, words[1], _time(time)) if name is not None else None


def _time(text: str) -> datetime | None:
    if len(text) > LONGEST_TEXT:
        return None
    try:
        moment = parsedate_to_datetime(text.strip())
        return moment.replace(tzinfo=moment.tzinfo or UTC).astimezone(UTC)
    except (ValueError, OverflowError):
        return None
