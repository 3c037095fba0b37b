"""What a project's page offers: upstream's page joined with our memory."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

import pytest

from mirror.index.merge import Offer, offered
from mirror.model import Departure, DepartureCause, FileFacts, Memory, ProjectFacts, ProjectStatus, State
from mirror.names import Serial
from tests.mirror.index.index_examples import SEEN, digest, facts, listed_file, project

DEPARTED = Departure(
    at=datetime(2026, 8, 10, 23, 30, tzinfo=timezone(timedelta(hours=-4))),
    serial=Serial(39895284),
    cause=DepartureCause.RELEASE,
)


def kept(filename: str = "leftpad-1.0.tar.gz", version: str | None = "1.0") -> FileFacts:
    file = listed_file(filename, version, provenance="https://example.org/p", core_metadata=digest(5), yanked="theirs")
    return replace(facts(file, State.KEPT), listed=False, departed=DEPARTED)


def offer_of(*files: FileFacts, of: ProjectFacts | None = None) -> Offer:
    return offered(Memory(of or project(), files))


def filenames(offer: Offer) -> list[str]:
    return [entry.file.filename for entry in offer.entries]


@pytest.mark.parametrize("state", list(State))
def test_only_live_yanked_and_kept_files_are_offered(state: State) -> None:
    """What is held, blocked, purged or lost is left out of the page."""
    offer = offer_of(facts(listed_file("leftpad-1.0.tar.gz"), state))

    assert filenames(offer) == (["leftpad-1.0.tar.gz"] if state in {State.LIVE, State.YANKED, State.KEPT} else [])


def test_a_live_file_is_offered_as_upstream_lists_it() -> None:
    """Nothing of the entry is changed, and its path is the mirror's."""
    file = listed_file(provenance="https://example.org/p", core_metadata=True, requires_python=">=3.9")

    (entry,) = offer_of(facts(file)).entries

    assert entry.file == file
    assert entry.path.endswith("/leftpad-1.0.tar.gz")


@pytest.mark.parametrize(("upstream", "offered_reason"), [("broken", "broken"), ("", ""), (None, "")])
def test_a_yanked_file_is_never_offered_unyanked(upstream: str | None, offered_reason: str) -> None:
    """Upstream's reason is given, an empty one where none is known."""
    (entry,) = offer_of(facts(listed_file(yanked=upstream), State.YANKED)).entries

    assert entry.file.yanked == offered_reason


def test_a_kept_file_is_yanked_with_the_day_in_utc_and_the_serial_of_its_deletion() -> None:
    """Installers print the reason; it says what happened and who still has the file."""
    (entry,) = offer_of(kept()).entries

    assert entry.file.yanked == "deleted upstream 2026-08-11 (serial 39895284); kept by this mirror"


def test_a_kept_file_whose_serial_is_not_known_is_yanked_without_one() -> None:
    """No number is made up."""
    (entry,) = offer_of(replace(kept(), departed=replace(DEPARTED, serial=Serial(0)))).entries

    assert entry.file.yanked == "deleted upstream 2026-08-11; kept by this mirror"


def test_a_kept_file_that_merely_vanished_is_yanked_as_missing() -> None:
    """Without an act upstream it is not called deleted."""
    missing = datetime(2026, 8, 9, 1, tzinfo=UTC)

    (entry,) = offer_of(replace(kept(), departed=None, missing_since=missing)).entries

    assert entry.file.yanked == "missing upstream since 2026-08-09, unexplained; kept by this mirror"


@pytest.mark.parametrize("stored", [True, False])
def test_a_departed_file_advertises_only_the_metadata_that_is_stored(stored: bool) -> None:
    """What is advertised must be servable, and what upstream still has after a deletion nobody knows."""
    (entry,) = offer_of(replace(kept(), metadata_stored_at=SEEN if stored else None)).entries

    assert entry.file.core_metadata == (digest(5) if stored else False)


@pytest.mark.parametrize("stored", [True, False])
def test_a_departed_file_advertises_only_provenance_that_is_stored(stored: bool) -> None:
    """Upstream drops it together with the file."""
    offer = offer_of(replace(kept(), provenance_sha256=digest(6) if stored else None))

    (entry,) = offer.entries
    assert entry.provenance == (f"{entry.path}.provenance" if stored else None)
    assert offer.needs_origin is stored


@pytest.mark.parametrize("stored", [True, False])
def test_a_live_file_advertises_the_provenance_that_upstream_names(stored: bool) -> None:
    """It can be fetched when somebody asks; where upstream has none, neither has the mirror."""
    sha256 = digest(6) if stored else None
    named = replace(facts(listed_file(provenance="https://example.org/p")), provenance_sha256=sha256)
    unnamed = replace(facts(listed_file("leftpad-2.0.tar.gz", "2.0")), provenance_sha256=sha256)

    entry, other = offer_of(named, unnamed).entries

    assert (entry.provenance, other.provenance) == (f"{entry.path}.provenance", None)


def test_a_departed_file_may_be_offered_as_it_was() -> None:
    """Its state decides about the yank; metadata and provenance follow from its being gone."""
    (entry,) = offer_of(replace(kept(), state=State.LIVE, listed_file=listed_file(core_metadata=True))).entries

    assert entry.file.yanked is None
    assert entry.file.core_metadata is False


@pytest.mark.parametrize("status", list(ProjectStatus))
def test_a_quarantined_project_offers_nothing(status: ProjectStatus) -> None:
    """Row or status: the page says quarantined and lists neither file nor version, whatever the files' states are."""
    quarantined = project(status=status, quarantined_by=0, versions=("1.0",))

    offer = offer_of(facts(listed_file()), kept("leftpad-0.9.tar.gz", "0.9"), of=quarantined)

    assert offer == Offer(status=ProjectStatus.QUARANTINED, serial=Serial(76))


def test_files_are_never_offered_below_the_status_quarantined() -> None:
    """Even where only upstream's last page says so: PEP 792 forbids the combination."""
    offer = offer_of(facts(listed_file()), of=project(status=ProjectStatus.QUARANTINED))

    assert (offer.status, offer.entries) == (ProjectStatus.QUARANTINED, ())


@pytest.mark.parametrize("status", [ProjectStatus.ACTIVE, ProjectStatus.ARCHIVED, ProjectStatus.DEPRECATED])
def test_any_other_status_is_upstreams(status: ProjectStatus) -> None:
    """It is passed on, with the files."""
    offer = offer_of(facts(listed_file()), of=project(status=status))

    assert (offer.status, len(offer.entries)) == (status, 1)


def test_a_project_gone_upstream_is_active_with_what_is_kept() -> None:
    """The last page's status and its other versions are not upstream's word any more."""
    gone = project(status=ProjectStatus.ARCHIVED, closed_serial=80, versions=("1.0", "2.0"))

    offer = offer_of(kept(), of=gone)

    assert offer.status is ProjectStatus.ACTIVE
    assert offer.versions == ("1.0",)
    assert filenames(offer) == ["leftpad-1.0.tar.gz"]


def test_the_page_carries_the_serial_of_the_page_that_was_believed() -> None:
    """None where the index tells none."""
    assert offer_of().serial == 76
    assert offer_of(of=project(page_serial=None)).serial is None


def test_a_filename_has_one_entry_and_the_listed_file_wins() -> None:
    """A remembered file of an earlier life does not push out what upstream lists."""
    remembered = kept()
    listed = facts(listed_file("leftpad-1.0.tar.gz", sha256=digest(1)))

    (entry,) = offer_of(remembered, listed).entries

    assert entry.file.sha256 == digest(1)
    assert offer_of(listed, remembered).entries == (entry,)


def test_among_unlisted_files_of_one_name_the_first_seen_wins() -> None:
    """Bytes that were once served under a name stay behind it."""
    first = kept()
    second = replace(first, listed_file=replace(first.listed_file, sha256=digest(2)), incarnation=2)

    (entry,) = offer_of(first, second).entries

    assert entry.file.sha256 == first.sha256


def test_a_withheld_file_does_not_hide_one_of_the_same_name() -> None:
    """A replaced upload is held, and the file that was there first keeps its entry."""
    held = facts(listed_file("leftpad-1.0.tar.gz", sha256=digest(3)), State.HELD)
    first = replace(facts(listed_file("leftpad-1.0.tar.gz", sha256=digest(4))), listed=False)

    (entry,) = offer_of(held, first).entries

    assert entry.file.sha256 == digest(4)


def test_a_file_that_can_have_no_path_is_left_out() -> None:
    """A link that cannot be followed helps nobody."""
    assert filenames(offer_of(facts(listed_file("a/b-1.0.zip")), facts(listed_file("b-1.0.zip")))) == ["b-1.0.zip"]


def test_entries_are_sorted_by_version_and_then_by_filename() -> None:
    """PEP 440 order; what PEP 440 does not know comes first, as on PyPI."""
    names = [
        ("leftpad-1.10.tar.gz", "1.10"),
        ("leftpad-1.9.tar.gz", "1.9"),
        ("leftpad-1.9-py3-none-any.whl", "1.9"),
        ("leftpad-2.0rc1.tar.gz", "2.0rc1"),
        ("leftpad-2.0.tar.gz", "2.0"),
        ("leftpad-old.zip", "old"),
        ("leftpad.zip", None),
    ]

    offer = offer_of(*(facts(listed_file(name, version)) for name, version in names))

    assert filenames(offer) == [
        "leftpad.zip",
        "leftpad-old.zip",
        "leftpad-1.9-py3-none-any.whl",
        "leftpad-1.9.tar.gz",
        "leftpad-1.10.tar.gz",
        "leftpad-2.0rc1.tar.gz",
        "leftpad-2.0.tar.gz",
    ]
    assert offer.versions == ("old", "1.9", "1.10", "2.0rc1", "2.0")


def test_versions_keep_upstreams_spelling_and_gain_the_kept_ones() -> None:
    """PEP 440 equality decides whether a version is there already."""
    upstream = project(versions=("1.0.0", "2.0"))

    offer = offer_of(
        facts(listed_file("leftpad-1.0.tar.gz", "1.0")),
        kept("leftpad-2.tar.gz", "2"),
        kept("leftpad-1.5.tar.gz", "1.5"),
        of=upstream,
    )

    assert offer.versions == ("1.0.0", "1.5", "2.0")


def test_a_version_that_upstream_lists_empty_stays_and_one_withheld_here_does_not() -> None:
    """Nobody is told of a version whose every file is held back; an empty one upstream is upstream's word."""
    upstream = project(versions=("1.0", "2.0", "3.0", "4.0"))

    offer = offer_of(
        facts(listed_file("leftpad-1.0.tar.gz", "1.0")),
        facts(listed_file("leftpad-2.0.tar.gz", "2.0.0"), State.HELD),
        facts(listed_file("leftpad-3.0.tar.gz", "3.0"), State.HELD),
        facts(listed_file("leftpad-3.0-py3-none-any.whl", "3.0")),
        of=upstream,
    )

    assert offer.versions == ("1.0", "3.0", "4.0")


def test_an_offer_is_valid_until_the_first_state_passes_by_the_clock() -> None:
    """Withheld files count too: the end of a cooldown adds them to the page."""
    later = SEEN + timedelta(days=1)

    offer = offer_of(
        facts(listed_file("leftpad-1.0.tar.gz")),
        replace(facts(listed_file("leftpad-1.1.tar.gz", "1.1"), State.HELD), state_until=SEEN),
        replace(facts(listed_file("leftpad-1.2.tar.gz", "1.2")), state_until=later),
    )

    assert offer.valid_until == SEEN
    assert offer_of(facts(listed_file())).valid_until is None


def test_a_kept_file_is_listed_as_it_was_where_an_operator_wants_that() -> None:
    """With its own yank again; provenance, and metadata that is not here, are gone all the same."""
    as_was = replace(kept(), as_was=True)
    never_yanked = replace(as_was, listed_file=replace(as_was.listed_file, yanked=None))

    (entry,) = offer_of(as_was).entries
    (other,) = offer_of(never_yanked).entries

    assert (entry.file.yanked, other.file.yanked) == ("theirs", None)
    assert (entry.provenance, entry.file.core_metadata) == (None, False)


@pytest.mark.parametrize(
    ("beside", "expected"), [(None, "theirs"), (State.YANKED, "theirs"), (State.HELD, "theirs"), (State.LIVE, "kept")]
)
def test_the_files_of_departed_projects_are_listed_as_they_were_by_a_setting(
    beside: State | None, expected: str
) -> None:
    """A project of which anything is live is not departed."""
    others = [facts(listed_file("leftpad-2.0.tar.gz", "2.0"), beside)] if beside is not None else []

    offer = offered(Memory(project(), (kept(), *others)), departed_as_was=True)

    yanked = offer.entries[0].file.yanked
    assert yanked is not None
    assert expected in yanked
