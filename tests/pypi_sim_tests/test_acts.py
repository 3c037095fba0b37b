"""What the simulator does with acts that the record does not cover."""

from datetime import UTC, datetime, timedelta

import pytest

from tests.pypi_sim import PyPISim, RefusedError, UploadRefusedError

LONG_AGO = datetime(2024, 2, 29, 12, 0, tzinfo=UTC)


def actions(sim: PyPISim, since: int = 0) -> list[tuple[str, str | None, str]]:
    """Name, version and action of the rows above a serial."""
    return [(row.name, row.version, row.action) for row in sim.rows_since(since)]


def test_a_removed_name_is_free_for_anybody_but_its_filenames_are_burnt() -> None:
    """Another user takes the name; the old filename is refused, another version is not."""
    sim = PyPISim()
    sim.upload("Foo.Bar", "1.0")
    sim.delete_project("foo-bar")

    with pytest.raises(UploadRefusedError):
        sim.upload("foo-bar", "1.0", user="mallory")
    sim.upload("foo-bar", "1.0.0.1", user="mallory")

    assert sim.project("FOO_BAR").roles == {"mallory": "Owner"}


def test_registering_takes_a_name_without_a_release() -> None:
    """Only the two rows of a new project appear, and the page is empty."""
    sim = PyPISim()

    rows = sim.register("husk", "bob")

    assert [row.action for row in rows] == ["create", "add Owner bob"]
    assert sim.project("husk").visible_files() == []
    with pytest.raises(RefusedError):
        sim.register("HUSK", "mallory")


def test_an_aged_upload_carries_its_time_in_the_file_and_in_its_rows() -> None:
    """`uploaded_at` is when everything about the upload happened."""
    sim = PyPISim()

    file = sim.upload("old", "1.0", uploaded_at=LONG_AGO)

    assert file.uploaded_at == LONG_AGO
    assert {row.timestamp for row in sim.rows_since(0)} == {LONG_AGO}


def test_time_passes_when_told() -> None:
    """Rows of later acts are later by at least the span."""
    sim = PyPISim()
    sim.upload("foo", "1.0")

    sim.advance(timedelta(days=3))
    (row,) = sim.yank("foo", "1.0")

    assert row.timestamp - sim.rows_since(0)[0].timestamp >= timedelta(days=3)


def test_equal_versions_share_a_release_whatever_their_spelling() -> None:
    """A file of 1.0.0 joins the release 1.0; no second release appears."""
    sim = PyPISim()
    sim.upload("foo", "1.0")

    sim.upload("foo", "1.0.0", kind="sdist")

    assert actions(sim)[-1] == ("foo", "1.0", "add source file foo-1.0.0.tar.gz")
    assert sim.project("foo").visible_versions() == ["1.0"]


def test_owners_cannot_touch_what_is_in_quarantine() -> None:
    """Administrators can."""
    sim = PyPISim()
    sim.upload("foo", "1.0")
    sim.upload("foo", "2.0")
    sim.quarantine_release("foo", "1.0")

    with pytest.raises(RefusedError):
        sim.yank("foo", "1.0")
    with pytest.raises(RefusedError):
        sim.delete_release("foo", "1.0")
    sim.admin_delete_release("foo", "1.0")
    sim.quarantine_project("foo")
    with pytest.raises(RefusedError):
        sim.delete_project("foo")

    assert actions(sim)[-1] == ("foo", None, "project quarantined")


def test_the_same_file_again_changes_nothing() -> None:
    """Uploading identical bytes under a name that is listed is accepted and forgotten."""
    sim = PyPISim()
    first = sim.upload("foo", "1.0")
    serial = sim.last_serial

    again = sim.upload("foo", "1.0")

    assert again is first
    assert sim.last_serial == serial


def test_a_restored_file_is_listed_again_with_its_old_bytes_and_no_row() -> None:
    """Restoring works after the release, and after the whole project, was removed."""
    sim = PyPISim()
    file = sim.upload("foo", "1.0")
    sim.delete_project("foo")
    serial = sim.last_serial

    sim.restore_file("foo", file)

    assert sim.project("foo").visible_files() == [file]
    assert sim.last_serial == serial


def test_files_vanish_without_a_row_and_without_a_new_serial() -> None:
    """What disappears unexplained leaves the journal and the project's serial alone."""
    sim = PyPISim()
    for version in ("1.0", "2.0", "3.0"):
        sim.upload("foo", version)
    sim.upload("bar", "1.0")
    serial = sim.last_serial
    before = sim.project("foo").last_serial

    sim.vanish_file("foo", "foo-1.0-py3-none-any.whl")
    sim.vanish_release("foo", "2.0")
    sim.vanish_project("bar")

    assert sim.project("foo").visible_versions() == ["3.0"]
    assert "bar" not in sim.projects
    assert (sim.last_serial, sim.project("foo").last_serial) == (serial, before)


def test_a_yank_without_a_row_shows_on_the_page_alone() -> None:
    """With its reason, under the old serial; and it is taken back as silently."""
    sim = PyPISim()
    sim.upload("foo", "1.0")
    before = (sim.last_serial, sim.project("foo").last_serial)

    sim.set_yank("foo", "1.0", yanked=True, reason="broken")
    release = sim.release("foo", "1.0")
    yanked = (release.yanked, release.yanked_reason)
    sim.set_yank("foo", "1.0", yanked=False)

    assert yanked == (True, "broken")
    assert (release.yanked, release.yanked_reason) == (False, "")
    assert (sim.last_serial, sim.project("foo").last_serial) == before


def test_roles_and_invitations_are_told_in_upstreams_words() -> None:
    """Every act on roles adds its row."""
    sim = PyPISim()
    sim.upload("foo", "1.0")
    serial = sim.last_serial

    sim.invite("foo", "bob", "Maintainer")
    sim.revoke_invite("foo", "bob", "Maintainer")
    sim.add_role("foo", "bob", "Maintainer")
    sim.change_role("foo", "bob", "Owner")
    sim.remove_role("foo", "bob")

    assert [action for _, _, action in actions(sim, serial)] == [
        "invite Maintainer bob",
        "revoke_invite Maintainer bob",
        "add Maintainer bob",
        "change Maintainer bob to Owner",
        "remove Owner bob",
    ]


def test_any_row_can_be_written_and_serials_can_be_left_out() -> None:
    """Unknown actions, odd times and gaps are possible; non-ASCII text goes out as references."""
    sim = PyPISim()
    sim.upload("foo", "1.0")
    serial = sim.last_serial

    sim.skip_serial(3)
    (row,) = sim.raw_row("foo", None, "caf\u00e9 \x00party", LONG_AGO)

    assert row.serial == serial + 4
    assert row.on_the_wire() == ("foo", None, int(LONG_AGO.timestamp()), "caf&#233; party", row.serial)
    assert sim.project("foo").last_serial == row.serial


def test_thousands_of_acts_are_kept_in_pages_of_the_journal() -> None:
    """A page holds no more than its size; the next one follows without a hole."""
    sim = PyPISim()
    for number in range(1000):
        sim.upload("many", f"0.{number}", content=str(number).encode())
    sim.journal_page_size = 600

    first = sim.journal.page_since(0)
    second = sim.journal.page_since(first[-1].serial)

    assert len(first) == 600
    assert second[0].serial == first[-1].serial + 1
