"""The paths below which files are served, `packages/{aa}/{bb}/{rest}/{filename}`, and how to read a requested one.

The first three segments spell 32 bytes, 2, 2 and 60 hexadecimal digits. They are upstream's own where its URL has that
layout, so that a lock file with upstream's URLs needs no more than another host name; else they are the file's sha256.
A name that could not be asked for again (a slash, a control character, a suffix that means a sibling) has no path.
"""

import re
from enum import StrEnum
from typing import NamedTuple
from urllib.parse import quote, unquote, urlsplit

from mirror.model import ListedFile

LONGEST_FILENAME = 255
"""In characters: what common file systems hold, so that a client can save what it was offered."""

_DIGEST_PATH = re.compile(r"(?:\A|/)packages/([0-9a-f]{2})/([0-9a-f]{2})/([0-9a-f]{60})/([^/]+)\Z")
_DIGEST = re.compile(r"\A[0-9a-f]{64}\Z")
_SEGMENT_LENGTHS = (2, 2, 60)
# What quoting leaves as it is.
_PLAIN = re.compile(r"[A-Za-z0-9_.~-]*")


class Kind(StrEnum):
    """Which of a file's siblings a path names: the file itself, its metadata (PEP 658) or its provenance (PEP 740)."""

    FILE = "file"
    METADATA = "metadata"
    PROVENANCE = "provenance"

    @property
    def suffix(self) -> str:
        """What the sibling's name has behind the file's own."""
        return "" if self is Kind.FILE else f".{self.value}"


class ParsedPath(NamedTuple):
    """A well-formed request: what the segments spell, the file's own name without a sibling's suffix, and the kind."""

    digest: bytes
    filename: str
    kind: Kind


_SUFFIXES = {kind.suffix: kind for kind in (Kind.METADATA, Kind.PROVENANCE)}


def file_path(file: ListedFile) -> str | None:
    """The file's path here, without a leading slash and percent-encoded for a link; None where it can have none."""
    if not _is_servable(file.filename):
        return None
    digest = _upstream_digest(file)
    if digest is None:
        return None
    return _spelled(digest, file.filename)


def path_of(digest: bytes, filename: str) -> str:
    """The path whose segments spell these 32 bytes, as `file_path` gives it."""
    return _spelled(digest.hex(), filename)


def digest_of_path(path: str) -> bytes | None:
    """The 32 bytes that the three segments of such a path spell, by which the catalog finds a file."""
    found = _DIGEST_PATH.search(path)
    return bytes.fromhex("".join(found.groups()[:3])) if found else None


def parse_path(aa: str, bb: str, rest: str, filename: str) -> ParsedPath | None:
    """What a requested path names, or None where no page can have such a link. `filename` is already decoded."""
    segments = (aa, bb, rest)
    if tuple(map(len, segments)) != _SEGMENT_LENGTHS or not _DIGEST.match("".join(segments)):
        return None
    name, kind = filename, Kind.FILE
    for suffix, sibling in _SUFFIXES.items():
        if filename.endswith(suffix):
            name, kind = filename.removesuffix(suffix), sibling
            break
    if not _is_servable(name):
        return None
    return ParsedPath(bytes.fromhex("".join(segments)), name, kind)


def _upstream_digest(file: ListedFile) -> str | None:
    """The 64 digits of upstream's path where it names this very file, else the sha256."""
    try:
        found = _DIGEST_PATH.search(urlsplit(file.url).path)
    except ValueError:
        # Not a URL at all, such as an unclosed IPv6 bracket: it has no layout to take over.
        return file.sha256
    if found is None or unquote(found[4]) != file.filename:
        return file.sha256
    return found[1] + found[2] + found[3]


def _spelled(digest: str, filename: str) -> str:
    # `+` and `!` are legal in a path, but object stores and old proxies read `+` as a space: all reserved are encoded.
    return f"packages/{digest[:2]}/{digest[2:4]}/{digest[4:]}/{_quoted(filename)}"


def _quoted(filename: str) -> str:
    # Nearly all names need no quoting, and pages are spelt file by file.
    return filename if _PLAIN.fullmatch(filename) else quote(filename, safe="")


def _is_servable(filename: str) -> bool:
    # "Printable" leaves out control and bidirectional characters, line separators and lone surrogates.
    return (
        0 < len(filename) <= LONGEST_FILENAME
        and filename.isprintable()
        and not filename.startswith(".")
        and "/" not in filename
        and "\\" not in filename
        and not filename.endswith(tuple(_SUFFIXES))
    )
