"""Which versions an advisory means."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from packaging.version import Version

from mirror.advisories import (
    ALL_VERSIONS,
    LARGEST_RECORD,
    Affected,
    BadAdvisoryError,
    RangeEvent,
    Turn,
    VersionRange,
    calls_malware,
    covering,
    is_malware_id,
    read_advisory,
)
from mirror.names import ProjectName

DEMO = ProjectName("demo")
EVERYTHING = {"type": "ECOSYSTEM", "events": [{"introduced": "0"}]}

# In the order of PEP 440; the first of each row is how the others are written, too.
SPELLINGS = (
    ("0.dev0",),
    ("0.0.1a1", "0.0.1alpha1"),
    ("0.0.1",),
    ("1.0rc1", "1.0c1"),
    ("1.0", "1", "v1.0.0"),
    ("1.0+local",),
    ("1.0.post1", "1.0-1"),
    ("1.1",),
    ("2.0", "2.0.0"),
    ("10.0",),
    ("1!0.1",),
)
VERSIONS = tuple(row[0] for row in SPELLINGS)


def record(*affected: dict[str, Any], **more: Any) -> bytes:
    """A record as OSV writes it."""
    told = {"schema_version": "1.7.4", "id": "MAL-2026-1", "modified": "2026-03-24T14:02:11.5Z", **more}
    return json.dumps({**told, "affected": list(affected)}).encode()


def package(name: str = "demo", ecosystem: str = "PyPI", **said: Any) -> dict[str, Any]:
    """What a record says of one package."""
    return {"package": {"ecosystem": ecosystem, "name": name}, **said}


def ecosystem(*events: tuple[Turn, str]) -> VersionRange:
    """A range with these events."""
    return VersionRange(tuple(RangeEvent(turn, version) for turn, version in events))


def meant(*ranges: VersionRange, versions: tuple[str, ...] = ()) -> list[str]:
    """Those of all versions that are meant, in their order."""
    covers = covering(Affected(versions, ranges))
    return [version for version in VERSIONS if covers(version)]


def between(first: str, last: str) -> list[str]:
    """All versions from the first to the last."""
    return list(VERSIONS[VERSIONS.index(first) : VERSIONS.index(last) + 1])


def test_exact_versions_are_compared_as_pep_440_does() -> None:
    """However they are spelled, and whatever lies in between."""
    advisory = read_advisory(record(package("De_mo", versions=["1.0", "2.0.0"]), package(versions=["v1.1"])))

    assert [v for v in VERSIONS if calls_malware(advisory, ProjectName("de-mo"), v)] == ["1.0", "2.0"]
    assert [v for v in VERSIONS if calls_malware(advisory, DEMO, v)] == ["1.1"]
    assert not calls_malware(advisory, ProjectName("other"), "1.0")


@pytest.mark.parametrize(
    ("events", "expected"),
    [
        ([(Turn.INTRODUCED, "0")], list(VERSIONS)),
        ([(Turn.INTRODUCED, "1.0")], between("1.0", "1!0.1")),
        ([(Turn.INTRODUCED, "1.0"), (Turn.FIXED, "2.0")], between("1.0", "1.1")),
        ([(Turn.INTRODUCED, "1.0"), (Turn.LAST_AFFECTED, "1.1")], between("1.0", "1.1")),
        ([(Turn.INTRODUCED, "1.1"), (Turn.LAST_AFFECTED, "1.1")], ["1.1"]),
        ([(Turn.FIXED, "2.0"), (Turn.INTRODUCED, "1.0")], between("1.0", "1.1")),
        ([(Turn.INTRODUCED, "0"), (Turn.FIXED, "0.0.1"), (Turn.INTRODUCED, "10")], [*VERSIONS[:2], *VERSIONS[-2:]]),
        ([(Turn.INTRODUCED, "0"), (Turn.LIMIT, "1.0")], list(VERSIONS[:4])),
        ([(Turn.INTRODUCED, "0"), (Turn.LIMIT, "*")], list(VERSIONS)),
        ([(Turn.FIXED, "1.0")], []),
        ([], []),
    ],
)
def test_ranges_begin_and_end_where_they_say(events: list[tuple[Turn, str]], expected: list[str]) -> None:
    """What is introduced is in, what is fixed is out, what is affected last is in, a limit is out."""
    assert meant(ecosystem(*events)) == expected


@pytest.mark.parametrize("said", [{}, {"versions": [], "ranges": []}, {"versions": None, "ranges": None}])
def test_a_package_without_versions_is_meant_whole(said: dict[str, Any]) -> None:
    """Whoever reports a package and nothing more means the package."""
    advisory = read_advisory(record(package(**said)))

    assert dict(advisory.affected) == {DEMO: Affected(ranges=(ALL_VERSIONS,))}
    assert calls_malware(advisory, DEMO, None)
    assert calls_malware(advisory, DEMO, "not a version")


@pytest.mark.parametrize("kind", ["SEMVER", "GIT", "NEWER"])
def test_ranges_of_other_kinds_mean_nothing_here(kind: str) -> None:
    """Commits are no versions, and other ecosystems order theirs otherwise."""
    advisory = read_advisory(record(package(ranges=[{**EVERYTHING, "type": kind}], versions=["1.0"])))

    assert [v for v in VERSIONS if calls_malware(advisory, DEMO, v)] == ["1.0"]


def test_what_is_no_version_is_compared_as_text() -> None:
    """It has no place in a range, unless that is of all; and a range that has no order means those it names."""
    legacy = "2004d"
    bounded = ecosystem((Turn.INTRODUCED, "0"), (Turn.FIXED, "10"))
    odd = ecosystem((Turn.INTRODUCED, "0"), (Turn.LAST_AFFECTED, legacy))

    assert covering(Affected((legacy,)))("2004D ")
    assert not covering(Affected(("2004",)))(legacy)
    assert covering(Affected(ranges=(ALL_VERSIONS,)))(legacy)
    assert not covering(Affected(ranges=(bounded,)))(legacy)
    assert not covering(Affected(ranges=(bounded,)))(None)
    assert covering(Affected(ranges=(odd,)))(legacy)
    assert meant(odd) == []


def test_what_was_withdrawn_means_nothing() -> None:
    """The record stays, and calls nothing malware any more."""
    advisory = read_advisory(record(package(ranges=[EVERYTHING]), withdrawn="2026-04-01T00:00:00Z"))

    assert not calls_malware(advisory, DEMO, "1.0")
    assert advisory.of(DEMO) is None


def test_only_what_is_said_of_the_index_is_read() -> None:
    """Other ecosystems, names that nothing can have, and keys of later versions of the schema are passed over."""
    other = package("demo", "npm")
    suffixed = package("two", "PyPI:https://example.org/simple", versions=["1.0"])
    advisory = read_advisory(record(other, package("../etc"), {"novel": [1]}, suffixed, novel={"a": 1}))

    assert [name for name, _ in advisory.affected] == ["two"]


@pytest.mark.parametrize(
    "hostile",
    [
        b"",
        b"[]",
        b"\xff\xfe",
        b"[" * 200_000,
        b'{"id": "MAL-2026-1", "modified": "2026-03-24T14:02:11Z", "x": ' + b"[" * 200_000,
        record(id="PYSEC-2026-2"),
        record(id="MAL-../../x"),
        record(id=7),
        record(modified="yesterday"),
        record(modified="2026-03-24T14:02:11"),
        record(schema_version="2.0.0"),
        record(package(versions=["1.0\n"])),
        record(package(versions=["\0"])),
        record(package(versions=["\ud800"])),
        record(package(versions=["1" * 201])),
        record(package(versions=[""])),
        record(package(ranges=[{"type": "ECOSYSTEM", "events": [{"introduced": 0}]}])),
        record(*(package(f"demo-{n}") for n in range(1_001))),
        record(package(), details="x" * LARGEST_RECORD),
    ],
)
def test_hostile_records_are_refused(hostile: bytes) -> None:
    """Whatever is wrong with them, it is one kind of error."""
    with pytest.raises(BadAdvisoryError):
        read_advisory(hostile)


@pytest.mark.parametrize(
    ("id_", "expected"),
    [("MAL-2026-1", True), ("MAL-0000-ghsa-x", True), ("GHSA-1", False), ("mal-1", False), ("MAL-", False)],
)
def test_malware_is_told_by_the_id(id_: str, expected: bool) -> None:
    """All other records are about flaws."""
    assert is_malware_id(id_) is expected


events = st.lists(
    st.tuples(
        st.sampled_from((Turn.INTRODUCED, Turn.FIXED, Turn.LAST_AFFECTED, Turn.LIMIT)),
        st.sampled_from(("0", *VERSIONS)),
    ),
    max_size=5,
)


@given(ranges=st.lists(events, max_size=3), versions=st.lists(st.sampled_from(SPELLINGS).flatmap(st.sampled_from)))
def test_matching_is_what_the_schema_says(ranges: list[list[tuple[Turn, str]]], versions: list[str]) -> None:
    """For any ranges and versions, the same as a second implementation that paints all versions one by one."""
    expected = {v for v in VERSIONS if any(Version(v) == Version(named) for named in versions)}
    for one in ranges:
        expected |= _painted(one)

    assert set(meant(*(ecosystem(*one) for one in ranges), versions=tuple(versions))) == expected


def _painted(said: list[tuple[Turn, str]]) -> set[str]:
    """Paints every version from each event on, in order, and cuts off what no limit allows."""
    affected = dict.fromkeys(VERSIONS, False)

    def is_beginning(turn: Turn, at: str) -> bool:
        return turn is Turn.INTRODUCED and at == "0"

    first = [event for event in said if is_beginning(*event)]
    rest = [event for event in said if not is_beginning(*event)]
    for turn, at in (*first, *sorted(rest, key=lambda event: Version(event[1]))):
        for version in VERSIONS:
            asked, event = Version(version), Version(at)
            if is_beginning(turn, at) or (turn is Turn.INTRODUCED and asked >= event):
                affected[version] = True
            elif (turn is Turn.FIXED and asked >= event) or (turn is Turn.LAST_AFFECTED and asked > event):
                affected[version] = False
    limits = [Version(at) for turn, at in said if turn is Turn.LIMIT]
    allowed = {v for v in VERSIONS if not limits or any(Version(v) < limit for limit in limits)}
    return {version for version, is_affected in affected.items() if is_affected} & allowed
