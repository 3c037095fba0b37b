"""What is believed of a project page, and what is left out of it."""

import json
from datetime import UTC, datetime

import pytest

from mirror.model import ListedFile
from mirror.names import Sha256
from tests.mirror.upstream.canned_upstream import page
from tests.mirror.upstream.readings import DIGEST, entry, read, read_entry


def test_every_field_of_an_index_entry_arrives() -> None:
    """An entry as PyPI writes it is read completely, with nothing left over."""
    listed = {
        "core-metadata": {"sha256": "cd" * 32},
        "data-dist-info-metadata": {"sha256": "cd" * 32},
        "filename": "leftpad-1.0-py3-none-any.whl",
        "hashes": {"sha256": DIGEST},
        "provenance": "http://127.0.0.1:8000/integrity/leftpad/1.0/leftpad-1.0-py3-none-any.whl/provenance",
        "requires-python": ">=3.9",
        "size": 1113,
        "upload-time": "2026-11-22T03:12:17.705179Z",
        "url": "http://127.0.0.1:8000/packages/9f/68/87/leftpad-1.0-py3-none-any.whl",
        "yanked": "broken",
    }

    parsed = read(page(files=[listed], versions=["1.0"]), etag='"abc"')

    assert parsed.page.files == (
        ListedFile(
            filename="leftpad-1.0-py3-none-any.whl",
            url="http://127.0.0.1:8000/packages/9f/68/87/leftpad-1.0-py3-none-any.whl",
            sha256=DIGEST,
            version="1.0",
            size=1113,
            upload_time=datetime(2026, 11, 22, 3, 12, 17, 705179, tzinfo=UTC),
            yanked="broken",
            requires_python=">=3.9",
            core_metadata=Sha256("cd" * 32),
            provenance="http://127.0.0.1:8000/integrity/leftpad/1.0/leftpad-1.0-py3-none-any.whl/provenance",
        ),
    )
    assert (parsed.page.project, parsed.page.serial, parsed.page.etag) == ("leftpad", 40, '"abc"')
    assert parsed.page.versions == ("1.0",)
    assert parsed.page.extra == b"{}"


def test_keys_nobody_knows_survive() -> None:
    """Unknown keys of the page, of its known objects and of entries are kept, and known ones are not among them."""
    body = page(
        files=[entry(future=[1, {"a": None}], hashes={"sha256": DIGEST, "blake2b": "ee"}, **{"core-metadata": True})],
        meta={"_last-serial": 1, "api-version": "1.9", "mood": "good"},
        **{"project-status": {"status": "archived", "reason": "done"}, "future": {"x": 12345678901234567890123}},
    )

    parsed = read(body)

    assert json.loads(parsed.page.extra) == {
        "future": {"x": 12345678901234567890123},
        "meta": {"mood": "good"},
        "project-status": {"reason": "done"},
    }
    assert json.loads(parsed.page.files[0].extra) == {"future": [1, {"a": None}], "hashes": {"blake2b": "ee"}}


def test_an_extra_that_no_database_stores_is_forgotten_but_its_file_is_not() -> None:
    """A NUL in an unknown value costs the unknown keys only."""
    assert read_entry(future="a\0b").extra == b"{}"


@pytest.mark.parametrize(
    ("written", "meant"), [(False, None), (None, None), (True, ""), ("", ""), ("no good", "no good"), ("a\0b", "ab")]
)
def test_yanks_are_told_apart_from_reasons(written: object, meant: str | None) -> None:
    """PEP 592: not yanked, yanked without a reason, yanked with one."""
    assert read_entry(yanked=written).yanked == meant


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ({"core-metadata": False}, False),
        ({"core-metadata": True}, True),
        ({"core-metadata": {"sha256": "CD" * 32}}, "cd" * 32),
        ({"core-metadata": {"md5": "00"}}, True),
        ({"data-dist-info-metadata": {"sha256": "cd" * 32}}, "cd" * 32),
        ({"dist-info-metadata": True}, True),
        ({"core-metadata": False, "data-dist-info-metadata": True}, False),
        ({}, False),
    ],
)
def test_metadata_is_found_under_all_three_spellings(written: dict[str, object], meant: object) -> None:
    """PEP 714's name wins, the older ones are read where it is absent, and none of them is left in `extra`."""
    file = read_entry(**written)

    assert file.core_metadata == meant
    assert file.extra == b"{}"


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("../../packages/a.whl", "http://127.0.0.1:8000/packages/a.whl"),
        ("/packages/a.whl#sha256=00", "http://127.0.0.1:8000/packages/a.whl"),
        ("//files.example.org/a.whl", "http://files.example.org/a.whl"),
        ("https://files.example.org/a%2Bb.whl", "https://files.example.org/a%2Bb.whl"),
    ],
)
def test_links_are_resolved_against_the_page(written: str, meant: str) -> None:
    """Relative links become absolute, fragments are dropped, the rest stays as it was."""
    assert read_entry(url=written).url == meant


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("2026-11-22T03:12:17Z", datetime(2026, 11, 22, 3, 12, 17, tzinfo=UTC)),
        ("2026-11-22T04:12:17+01:00", datetime(2026, 11, 22, 3, 12, 17, tzinfo=UTC)),
        ("2026-11-22T03:12:17", datetime(2026, 11, 22, 3, 12, 17, tzinfo=UTC)),
        ("yesterday", None),
        ("0001-01-01T00:00:00+23:59", None),
        (None, None),
    ],
)
def test_upload_times_are_aware_or_unknown(written: str | None, meant: datetime | None) -> None:
    """A time without a zone is UTC; one that cannot be read is none."""
    moment = read_entry(**{"upload-time": written}).upload_time

    assert moment == meant
    assert moment is None or moment.tzinfo is UTC


def test_a_file_without_a_sha256_is_listed_without_one() -> None:
    """Other digests do not count, and an upper-case one is the same digest."""
    assert read_entry(hashes={"md5": "00"}).sha256 is None
    assert read_entry(hashes={}).sha256 is None
    assert read_entry(hashes={"sha256": DIGEST.upper()}).sha256 == DIGEST


@pytest.mark.parametrize("url", ["file:///etc/passwd", "integrity/x", "http://[broken", 2000 * "x"])
def test_a_provenance_that_is_no_full_address_is_none(url: str) -> None:
    """PEP 740 wants a fully qualified URL."""
    assert read_entry(provenance=url).provenance is None


@pytest.mark.parametrize(
    "hostile",
    [
        {"filename": "../../etc/passwd"},
        {"filename": "a\\b.whl"},
        {"filename": ".."},
        {"filename": "."},
        {"filename": ""},
        {"filename": "a\0b.whl"},
        {"filename": "a\nb.whl"},
        {"filename": "left\u202epad.whl"},
        {"filename": "é" * 128},
        {"filename": 7},
        {"url": "file:///etc/passwd"},
        {"url": "ftp://127.0.0.1/a.whl"},
        {"url": "javascript:alert(1)"},
        {"url": "http://user:word@127.0.0.1/a.whl"},
        {"url": "http://127.0.0.1\\@evil.example.org/a.whl"},
        {"url": "http://[broken/a.whl"},
        {"url": "http://127.0.0.1:99999/a.whl"},
        {"url": "http:///a.whl"},
        {"url": "http://127.0.0.1/a\0.whl"},
        {"url": "http://127.0.0.1/" + "a" * 2000},
        {"url": None},
        {"size": -1},
        {"size": 2**63},
        {"size": "12"},
        {"size": True},
        {"hashes": {"sha256": "beef"}},
        {"hashes": {"sha256": None}},
        {"hashes": None},
        {"requires-python": ">=3\0"},
        {"yanked": 3},
    ],
)
def test_hostile_entries_are_left_out_and_the_page_survives(hostile: dict[str, object]) -> None:
    """An entry that means harm or cannot be used costs itself, not its neighbours."""
    good = entry(filename="leftpad-0.9.tar.gz")

    parsed = read(page(files=[entry(**hostile), good, "not an object"]))

    assert [file.filename for file in parsed.page.files] == ["leftpad-0.9.tar.gz"]
    assert parsed.dropped == 2


def test_of_two_entries_with_one_filename_the_first_counts() -> None:
    """A second claim to a filename is left out and counted."""
    parsed = read(page(files=[entry(size=1), entry(size=2)]))

    assert [file.size for file in parsed.page.files] == [1]
    assert parsed.dropped == 1
