"""Pages, before and after the rows that explain them: which are refused, what they bring, what they only note."""

from dataclasses import replace

from mirror.event_kinds import EventKind
from mirror.events import Evidence
from mirror.model import HashSource, ListedFile, ProjectStatus
from mirror.names import Serial
from tests.mirror.changes.histories import NOW, History, changed, known, listed, page, row

WHEEL = "demo-1.0-py3-none-any.whl"


def test_a_new_file_of_a_new_version_is_live() -> None:
    """Most pages bring nothing but new releases, and nothing is told of them."""
    history = known(listed("1.0"))

    history.page(page(52, listed("1.0"), listed("1.1")))

    assert set(history.states().values()) == {"live"}
    assert history.told == []


def test_a_new_file_of_a_listed_version_is_live() -> None:
    """A second wheel joins its siblings."""
    history = known(listed("1.0"))

    history.page(page(52, listed("1.0"), listed("1.0", build="1")))

    assert set(history.states().values()) == {"live"}


def test_a_page_older_than_one_believed_before_is_refused() -> None:
    """It changes nothing and says that it was stale."""
    history = known(listed("1.0"), serial=50)
    before = history.memory

    step = history.page(page(49, listed("0.9")))

    assert step.stale
    assert history.memory == before
    assert history.told == []


def test_a_page_of_the_same_serial_is_believed() -> None:
    """Archiving a project moves no serial."""
    history = known(listed("1.0"), serial=50)

    step = history.page(page(50, listed("1.0"), status=ProjectStatus.ARCHIVED))

    assert not step.stale
    assert history.memory.project.status is ProjectStatus.ARCHIVED


def test_a_page_between_the_known_and_the_wanted_serial_is_believed_but_not_enough() -> None:
    """What it brings counts; the newer page is still wanted, as patiently as before."""
    history = known(listed("1.0"), serial=50)
    history.rows(row(51, "new release", "1.1"), row(60, "new release", "1.2"))
    history.memory = replace(history.memory, project=replace(history.memory.project, attempts=3))

    history.page(page(55, listed("1.0"), listed("1.1")))

    project = history.memory.project
    assert (project.page_serial, project.wanted_serial, project.refresh_at, project.attempts) == (55, 60, NOW, 3)
    assert set(history.states()) == {WHEEL, "demo-1.1-py3-none-any.whl"}


def test_the_wanted_page_ends_the_wanting() -> None:
    """Nothing is asked for any more."""
    history = known(listed("1.0"), serial=50)
    history.rows(row(51, "new release", "1.1"))

    history.page(page(51, listed("1.0"), listed("1.1")))

    project = history.memory.project
    assert (project.wanted_serial, project.refresh_at, project.attempts) == (None, None, 0)


def test_a_page_from_before_a_removal_does_not_bring_the_file_back() -> None:
    """The cached page still lists it; the row is the newer news."""
    history = known(listed("1.0"), listed("1.1"), serial=50)
    history.rows(row(54, "remove release", "1.0"))

    history.page(page(53, listed("1.0"), listed("1.1")))

    assert history.states() == {WHEEL: "kept", "demo-1.1-py3-none-any.whl": "live"}
    assert history.kinds() == ["release.deleted"]


def test_a_file_first_seen_on_a_page_from_before_its_removal_departs_at_once() -> None:
    """The row came before the file was ever seen; it was told then, and is applied now."""
    history = known(listed("1.0"), serial=50)
    history.rows(row(52, "new release", "1.1"), row(54, "remove release", "1.1"))

    history.page(page(52, listed("1.0"), listed("1.1")))

    assert history.states()["demo-1.1-py3-none-any.whl"] == "held rescue"
    assert history.kinds() == ["release.deleted"]


def test_a_page_without_a_serial_cannot_overrule_a_row() -> None:
    """Nobody knows how old it is."""
    history = known(listed("1.0"), listed("1.1"))
    history.rows(row(54, "remove release", "1.0"))

    history.page(page(None, listed("1.0"), listed("1.1"), listed("1.2")))

    assert history.states() == {
        WHEEL: "kept",
        "demo-1.1-py3-none-any.whl": "live",
        "demo-1.2-py3-none-any.whl": "live",
    }
    assert history.kinds() == ["release.deleted"]


def test_an_index_without_serials_is_believed_page_by_page() -> None:
    """Without a journal pages are all there is."""
    history = History()
    history.page(page(None, listed("1.0")))

    history.page(page(None, listed("1.1")))

    assert set(history.states().values()) == {"live"}
    assert history.file(WHEEL).missing_since == NOW


def test_a_file_gone_from_the_page_is_noted_and_nothing_else() -> None:
    """A page never says why: the file stays what it was until a row explains it."""
    history = known(listed("1.0"), listed("1.1"))

    history.page(page(52, listed("1.1")))
    history.now += (later := NOW - NOW.replace(hour=11))
    history.page(page(52, listed("1.1")))

    file = history.file(WHEEL)
    assert (file.state, file.departed) == ("live", None)
    assert (file.missing_since, file.missing_seen) == (NOW, NOW + later)
    assert history.told == []


def test_a_missing_file_that_is_back_was_never_gone() -> None:
    """A shrunken page that mends itself leaves no trace."""
    history = known(listed("1.0"), listed("1.1"))

    history.page(page(52))
    history.page(page(52, listed("1.0"), listed("1.1")))

    assert [file.missing_since for file in history.memory.files] == [None, None]
    assert set(history.states().values()) == {"live"}
    assert history.told == []


def test_an_absent_page_is_noted_and_nothing_else() -> None:
    """A 404 is no deletion."""
    history = known(listed("1.0"))

    history.absence()

    assert history.file(WHEEL).missing_since == NOW
    assert history.states() == {WHEEL: "live"}
    assert history.memory.project.closed_serial is None
    assert history.told == []


def test_a_removal_that_the_page_showed_first_has_two_witnesses() -> None:
    """The page lacked the files before the row came."""
    history = known(listed("1.0"), listed("1.1"))
    history.page(page(54, listed("1.1")))

    history.rows(row(54, "remove release", "1.0"))

    (told,) = history.told
    assert (told.kind, told.evidence, len(told.files)) == (EventKind.RELEASE_DELETED, Evidence.BOTH, 1)
    assert history.states()[WHEEL] == "kept"
    assert history.file(WHEEL).missing_since is None


def test_a_row_does_not_take_what_a_newer_page_lists() -> None:
    """The row is older news than the file."""
    history = known(listed("1.0"), serial=60)

    history.rows(row(54, "remove file demo-1.0-py3-none-any.whl", "1.0"))

    assert history.states() == {WHEEL: "live"}
    assert history.kinds() == ["file.deleted"]
    assert history.told[0].files == ()


# What else a page says.


def test_archiving_is_told_once() -> None:
    """The journal does not know of it: the page's status alone does."""
    history = known(listed("1.0"), serial=50)

    for _ in range(2):
        history.page(page(50, listed("1.0"), status=ProjectStatus.ARCHIVED))
    history.page(page(50, listed("1.0")))

    assert history.kinds() == ["project.status_changed", "project.status_changed"]
    assert [told.status for told in history.told] == ["archived", "active"]


def test_a_project_first_seen_as_archived_has_not_changed() -> None:
    """Only a change is told."""
    history = History()

    history.page(page(50, listed("1.0"), status=ProjectStatus.ARCHIVED))

    assert history.told == []
    assert history.memory.project.status is ProjectStatus.ARCHIVED


def test_the_upload_time_stays_as_first_heard() -> None:
    """An index that moves it could make young files old."""
    history = known(listed("1.0", uploaded=NOW))

    history.page(page(56, listed("1.0")))

    assert history.file(WHEEL).listed_file.upload_time == NOW


def _bare(version: str) -> ListedFile:
    return replace(listed(version), sha256=None, size=None, core_metadata=True)


def test_what_we_found_out_ourselves_survives_a_page_that_does_not_say_it() -> None:
    """Digest, size and metadata digest of an index that publishes none."""
    history = known(_bare("1.0"))
    learned = replace(_bare("1.0"), sha256=listed("1.0").sha256, size=7, core_metadata=listed("2.0").sha256 or True)
    history.memory = changed(history.memory, WHEEL, listed_file=learned, hash_source=HashSource.SELF)

    history.page(page(56, _bare("1.0")))

    assert history.file(WHEEL).listed_file == learned


def test_a_digest_that_upstream_says_later_is_no_replacement() -> None:
    """The file was never fetched: nothing contradicts what is now said of it."""
    history = known(_bare("1.0"))

    history.page(page(56, listed("1.0")))

    assert len(history.memory.files) == 1
    assert history.file(WHEEL).sha256 == listed("1.0").sha256
    assert history.told == []


def test_metadata_of_another_digest_is_not_what_the_store_holds() -> None:
    """An index may write metadata anew; the old ones' object must not be advertised under the new digest."""
    old, new = (replace(listed("1.0"), core_metadata=listed(version).sha256 or True) for version in ("8", "9"))
    history = known(old)
    history.memory = changed(history.memory, WHEEL, metadata_stored_at=NOW)

    history.page(page(56, old))
    same = history.file(WHEEL).metadata_stored_at
    history.page(page(57, new))

    assert (same, history.file(WHEEL).metadata_stored_at) == (NOW, None)


def test_a_name_is_spelled_as_in_the_newest_row() -> None:
    """Uploads may change the spelling; of the time before our page only some rows are remembered, with the old one."""
    history = known(listed("1.0"), serial=50, journal=[row(40, "create")])
    first = history.memory.project.display_name
    history.memory = replace(history.memory, project=replace(history.memory.project, display_name="DE.mo"))

    history.page(page(50, listed("1.0")))
    kept = history.memory.project.display_name
    history.rows(replace(row(60, "new release", "1.1"), name="DeMo"))
    history.page(page(60, listed("1.0"), listed("1.1")))

    assert (first, kept, history.memory.project.display_name) == ("Demo", "DE.mo", "DeMo")


def test_a_page_moves_the_serial_forward_only() -> None:
    """Also where a row had moved it."""
    history = known(listed("1.0"), serial=50)
    history.rows(row(62, "remove project"), row(65, "create"))

    step = history.page(page(64, listed("2.0")))

    assert step.stale
    assert history.memory.project.page_serial == Serial(65)
