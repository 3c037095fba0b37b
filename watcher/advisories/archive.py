"""The archive of all records: read entry by entry, so that it takes no memory, however large or hostile it is.

Everything here blocks and belongs into a thread.
"""

import io
import os
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from mirror.advisories import LARGEST_RECORD, Advisory, BadAdvisoryError, is_malware_id, read_advisory
from mirror.errors import UpstreamUnavailableError

LARGEST_DIRECTORY: Final = 32 * 2**20
"""A larger list of entries is refused: it is held in memory. This is room for 400,000 records."""
LARGEST_CONTENT: Final = 4 * 2**30
"""Records that unpack to more than this in all are refused."""

_SUFFIX: Final = ".json"
_UNPACKED: Final = frozenset({zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED})
# What the library raises for archives that are broken or use what it does not know, encryption for instance.
_FAILURES: Final = (zipfile.BadZipFile, zlib.error, EOFError, OSError, RuntimeError, ValueError, OverflowError)


@dataclass(frozen=True, slots=True)
class Refused:
    """A record that cannot be used, and why."""

    id: str
    reason: str


def records(file: io.FileIO, *, largest_content: int = LARGEST_CONTENT) -> Iterator[Advisory | Refused]:
    """Every record of malware in the archive, or why it is refused.

    Raises UpstreamUnavailableError where the archive itself cannot be read, also after some records.
    """
    left = largest_content
    try:
        # A descriptor of its own: who gave up waiting may have closed the file meanwhile.
        with _Bounded(os.dup(file.fileno())) as own, zipfile.ZipFile(own) as archive:
            for entry in archive.infolist():
                id_ = entry.filename.removesuffix(_SUFFIX)
                if entry.filename == id_ or not is_malware_id(id_):
                    continue
                left -= min(entry.file_size, LARGEST_RECORD)
                if left < 0:
                    raise UpstreamUnavailableError("the archive of advisories unpacks to more than is believed")
                yield _read(archive, entry, id_)
    except _FAILURES as e:
        raise UpstreamUnavailableError(f"the archive of advisories is broken: {type(e).__name__}") from e


def advisory_named(id_: str, record: bytes) -> Advisory:
    """The record, which must be the one of that id. Raises BadAdvisoryError."""
    advisory = read_advisory(record)
    if advisory.id != id_:
        raise BadAdvisoryError("the record is of another id than its name")
    return advisory


def _read(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, id_: str) -> Advisory | Refused:
    if entry.file_size > LARGEST_RECORD:
        return Refused(id_, f"it is larger than {LARGEST_RECORD} bytes")
    if entry.compress_type not in _UNPACKED:
        return Refused(id_, "it is packed in an unusual way")
    with archive.open(entry) as opened:
        record = opened.read(LARGEST_RECORD + 1)
    try:
        return advisory_named(id_, record)
    except BadAdvisoryError as e:
        return Refused(id_, str(e))


class _Bounded(io.FileIO):
    """A file of which nobody reads very much at once, as the library would a very large list of entries."""

    def read(self, size: int | None = -1, /) -> bytes:
        if size is not None and size > LARGEST_DIRECTORY:
            raise zipfile.BadZipFile("the archive's list of entries is too large")
        return super().read(-1 if size is None else size)
