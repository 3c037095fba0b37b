"""The archive and the list of changes, read from whatever comes."""

import io
import json
import struct
import zipfile
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

import pytest

from mirror.advisories import LARGEST_RECORD, Advisory
from mirror.errors import UpstreamUnavailableError
from watcher.advisories.archive import Refused, records
from watcher.advisories.changes import BadLineError, Change, Changes

NOON = datetime(2026, 3, 24, 12, tzinfo=UTC)


def record(id_: str) -> bytes:
    """A record that says little."""
    return json.dumps({"id": id_, "modified": "2026-03-24T12:00:00Z", "affected": []}).encode()


def packed(entries: Mapping[str, bytes], *, method: int = zipfile.ZIP_DEFLATED) -> bytes:
    """An archive with these entries."""
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", method) as archive:
        for name, body in entries.items():
            archive.writestr(name, body)
    return made.getvalue()


def opened(archive: bytes, directory: Path) -> io.FileIO:
    """The archive as a file."""
    path = directory / "all.zip"
    path.write_bytes(archive)
    return io.FileIO(path)


def read(archive: bytes, directory: Path) -> list[str]:
    """What is read of an archive: ids, and of refused records why."""
    with opened(archive, directory) as file:
        return [one.id if isinstance(one, Advisory) else f"{one.id}: {one.reason}" for one in records(file)]


def test_only_records_of_malware_are_read(tmp_path: Path) -> None:
    """Others are passed over, and so is what lies elsewhere in the archive."""
    names = ["MAL-2026-1", "PYSEC-2026-1", "GHSA-x", "../MAL-2026-2", "/MAL-2026-3", "MAL-2026-4/MAL-2026-4"]
    entries = {f"{name}.json": record(name) for name in names} | {"MAL-2026-5": record("MAL-2026-5")}

    assert read(packed(entries), tmp_path) == ["MAL-2026-1"]


def test_what_cannot_be_used_does_not_hide_the_rest(tmp_path: Path) -> None:
    """Broken and oversized records, one that is another than its name says, and one packed unusually."""
    bad = {"MAL-1-1": b"{", "MAL-1-2": b" " * (LARGEST_RECORD + 1), "MAL-1-3": record("MAL-1-4")}
    entries = {f"{id_}.json": body for id_, body in {**bad, "MAL-1-5": record("MAL-1-5")}.items()}

    found = read(packed(entries), tmp_path)
    unusual = read(packed({"MAL-1-1.json": record("MAL-1-1")}, method=zipfile.ZIP_BZIP2), tmp_path)

    assert [one.partition(":")[0] for one in found] == ["MAL-1-1", "MAL-1-2", "MAL-1-3", "MAL-1-5"]
    assert found[-1] == "MAL-1-5"
    assert unusual == ["MAL-1-1: it is packed in an unusual way"]


@pytest.mark.parametrize("length", [0, 1, 30, 100])
def test_a_broken_archive_says_so(tmp_path: Path, length: int) -> None:
    """Cut off anywhere."""
    archive = packed({"MAL-1-1.json": record("MAL-1-1")})

    with pytest.raises(UpstreamUnavailableError):
        read(archive[:length], tmp_path)


def test_damaged_and_encrypted_entries_say_so(tmp_path: Path) -> None:
    """The checksum tells, and what needs a password cannot be read."""
    archive = packed({"MAL-1-1.json": record("MAL-1-1")}, method=zipfile.ZIP_STORED)
    damaged = archive.replace(b'"affected"', b'"affecteb"')
    at = archive.index(b"PK\x01\x02") + 8
    encrypted = archive[:at] + struct.pack("<H", 1) + archive[at + 2 :]

    for broken in (damaged, encrypted):
        with pytest.raises(UpstreamUnavailableError):
            read(broken, tmp_path)


def test_an_archive_must_not_unpack_without_an_end(tmp_path: Path) -> None:
    """What it promises to unpack to is counted before anything is unpacked."""
    archive = packed({f"MAL-1-{number}.json": record(f"MAL-1-{number}") for number in range(3)})
    limit = 2 * len(record("MAL-1-0"))

    with opened(archive, tmp_path) as file:
        found = records(file, largest_content=limit)
        first = [next(found), next(found)]
        with pytest.raises(UpstreamUnavailableError, match="unpacks to more"):
            next(found)

    assert not any(isinstance(one, Refused) for one in first)


def test_a_list_of_entries_that_claims_too_much_is_not_read(tmp_path: Path) -> None:
    """It would be held in memory."""
    archive = bytearray(packed({"MAL-1-1.json": record("MAL-1-1")}))
    end = archive.index(b"PK\x05\x06")
    archive[end + 12 : end + 16] = struct.pack("<I", 2**31)

    with pytest.raises(UpstreamUnavailableError):
        read(bytes(archive), tmp_path)


def test_changes_are_read_until_one_is_too_old() -> None:
    """In whatever pieces they come; only those of malware count, but each tells how new the list is."""
    text = (
        b"2026-03-24T14:00:00Z,PYSEC-2026-1\n"
        b"2026-03-24T13:00:00.123456Z,PyPI/MAL-2026-2\n"
        b"\n"
        b"2026-03-24T12:00:00+00:00,MAL-2026-1\r\n"
        b"2026-03-24T11:59:59Z,MAL-2025-9\n"
        b"no longer read\n"
    )
    for size in (1, 7, len(text)):
        changes = Changes(NOON)
        for start in range(0, len(text), size):
            changes.feed(text[start : start + size])

        assert changes.is_complete
        assert changes.newest == NOON.replace(hour=14)
        assert changes.malware == (
            Change(datetime(2026, 3, 24, 13, 0, 0, 123456, tzinfo=UTC), "MAL-2026-2"),
            Change(NOON, "MAL-2026-1"),
        )


def test_a_list_may_end_without_an_end_of_line() -> None:
    """And may have nothing in it."""
    changes, empty = Changes(NOON), Changes(NOON)
    changes.feed(b"2026-03-24T13:00:00Z,MAL-2026-2")
    changes.end()
    empty.end()

    assert [change.id for change in changes.malware] == ["MAL-2026-2"]
    assert (empty.malware, empty.newest, empty.is_complete) == ((), None, True)


@pytest.mark.parametrize(
    "line",
    [
        b"<html>",
        b"2026-03-24T13:00:00Z",
        b"2026-03-24T13:00:00,MAL-1-1",
        b"\xff,MAL-1-1",
        b"," * 2_000,
        b"soon,MAL-1-1",
    ],
)
def test_what_is_no_list_of_changes_is_not_believed(line: bytes) -> None:
    """A page of a proxy for instance."""
    with pytest.raises(BadLineError):
        Changes(NOON).feed(line + b"\n")
