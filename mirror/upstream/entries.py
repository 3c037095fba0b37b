"""What is believed of the parts of a project page, in whatever form it came. Pure, of hostile text."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import urldefrag, urljoin

import msgspec

from mirror.errors import UpstreamUnavailableError
from mirror.model import ProjectPage, ProjectStatus
from mirror.names import LARGEST_SERIAL, ProjectName, Serial
from mirror.upstream.hosts import origin_of

LONGEST_FILENAME = 255
"""In bytes of UTF-8: what file systems take."""

LONGEST_URL = 2000
"""In characters: what a database index takes."""

_EMPTY = b"{}"

# No file is older than the first index or comes from another century; and such times can be calculated with.
_EARLIEST_YEAR, _LATEST_YEAR = 1990, 2200


@dataclass(frozen=True, slots=True)
class ParsedPage:
    """A believed page, and how many of its entries were left out as unusable or harmful."""

    page: ProjectPage
    dropped: int


def demand_version(project: ProjectName, version: str) -> None:
    """PEP 629 and 691: raises UpstreamUnavailableError where the page is of another major version than 1."""
    if version.partition(".")[0] != "1":
        raise UpstreamUnavailableError(f"the page of {project} has another major version of the API than 1")


def demand_reachable(project: ProjectName, serial: Serial | None) -> None:
    """Raises UpstreamUnavailableError for a serial that, believed, would make every true page after it look old."""
    if (serial or 0) > LARGEST_SERIAL:
        raise UpstreamUnavailableError(f"the page of {project} has a serial that no journal can reach")


def serial_of_header(text: str | None) -> Serial | None:
    """The serial of an `X-PyPI-Last-Serial` header, None where it has none."""
    if text is None or not (text.isascii() and text.isdigit() and len(text) < 19):
        return None
    return told_serial(int(text))


def told_serial(number: int | None) -> Serial | None:
    """The serial of that number, None where it is none."""
    # The journal begins with 1: an index that says 0 has none.
    return Serial(number) if number else None


def project_status(text: str | None) -> ProjectStatus:
    """The status of that name (PEP 792); one that nobody knows here changes nothing for an installer."""
    try:
        return ProjectStatus(text) if text else ProjectStatus.ACTIVE
    except ValueError:
        return ProjectStatus.ACTIVE


def is_filename(text: str) -> bool:
    """Whether it is one printable segment of a path."""
    if text in ("", ".", "..") or "/" in text or "\\" in text or not text.isprintable():
        return False
    return len(text.encode()) <= LONGEST_FILENAME


def file_url(page_url: str, text: str) -> str | None:
    """The absolute address without a fragment, None where it is no plain HTTP URL."""
    try:
        url = text if text.startswith(("https://", "http://")) else urljoin(page_url, text)
        url = urldefrag(url).url
    except ValueError:
        return None
    fits = len(url) <= LONGEST_URL and url.isprintable()
    return url if fits and origin_of(url) else None


def moment(text: str | None) -> datetime | None:
    """An unreadable time is as good as none; one without a zone is read as UTC, as PEP 700 demands it to be."""
    try:
        found = datetime.fromisoformat(text) if text else None
        if found is None or not _EARLIEST_YEAR <= found.year < _LATEST_YEAR:
            return None
        return found.astimezone(UTC) if found.tzinfo else found.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        return None


def provenance(url: str | None) -> str | None:
    """PEP 740 wants a fully qualified URL; anything else leads nowhere."""
    usable = url is not None and len(url) <= LONGEST_URL and url.isprintable() and origin_of(url) is not None
    return url if usable else None


def encoded(extra: Mapping[str, object]) -> bytes:
    """Keys that nobody knows here, as a JSON object."""
    if not extra:
        return _EMPTY
    text = msgspec.json.encode(extra)
    # PostgreSQL stores no NUL in text or jsonb, and no honest key or value has one.
    return _EMPTY if b"\\u0000" in text else text
