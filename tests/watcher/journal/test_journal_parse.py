"""A row as XML-RPC delivers it becomes the right variant, whatever upstream writes into it."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mirror.errors import EverpinError
from mirror.journal_rows import (
    Action,
    FileAdded,
    FileRemoved,
    JournalRow,
    Other,
    ProjectCreated,
    ProjectQuarantineCleared,
    ProjectQuarantined,
    ProjectRemoved,
    ReleaseCreated,
    ReleaseQuarantineCleared,
    ReleaseQuarantined,
    ReleaseRemoved,
    ReleaseUnyanked,
    ReleaseYanked,
    RoleChanged,
)
from mirror.names import LARGEST_SERIAL
from watcher.journal.parse import LONGEST_NO_NAME, LONGEST_TEXT, BadRowError, parse_row

TIME = 1_795_317_132

WITHOUT_VERSION: list[tuple[str, Action]] = [
    ("create", ProjectCreated()),
    ("remove project", ProjectRemoved()),
    ("remove", ProjectRemoved()),
    ("project quarantined", ProjectQuarantined()),
    ("project quarantine cleared", ProjectQuarantineCleared()),
    ("add Owner alice", RoleChanged("add", "Owner", "alice")),
    ("add Maintainer the release team", RoleChanged("add", "Maintainer", "the release team")),
    ("add Owner py3 file x.whl", RoleChanged("add", "Owner", "py3 file x.whl")),
    ("remove Owner file", RoleChanged("remove", "Owner", "file")),
    ("remove Maintainer remove file x.whl", RoleChanged("remove", "Maintainer", "remove file x.whl")),
    ("change Owner bob to Maintainer", RoleChanged("change", "Maintainer", "bob")),
    ("change Maintainer up to Owner to Owner", RoleChanged("change", "Owner", "up to Owner")),
    ("invite Owner bob", RoleChanged("invite", "Owner", "bob")),
    ("revoke_invite Maintainer bob", RoleChanged("revoke_invite", "Maintainer", "bob")),
    ("accepted Owner bob", RoleChanged("accepted", "Owner", "bob")),
]
WITH_VERSION: list[tuple[str, Action]] = [
    ("new release", ReleaseCreated()),
    ("remove release", ReleaseRemoved()),
    ("remove", ReleaseRemoved()),
    ("yank release", ReleaseYanked()),
    ("unyank release", ReleaseUnyanked()),
    ("release quarantined", ReleaseQuarantined()),
    ("release quarantine cleared", ReleaseQuarantineCleared()),
    ("add py3 file leftpad-1.0-py3-none-any.whl", FileAdded("leftpad-1.0-py3-none-any.whl")),
    ("add py2.py3 file a-1!2.0-py2.py3-none-any.whl", FileAdded("a-1!2.0-py2.py3-none-any.whl")),
    ("add my own file x file a-1.0.tar.gz", FileAdded("a-1.0.tar.gz")),
    ("add  file a-1.0.tar.gz", FileAdded("a-1.0.tar.gz")),
    ("remove file leftpad-1.0.tar.gz", FileRemoved("leftpad-1.0.tar.gz")),
    ("remove file left pad 1.0.zip", FileRemoved("left pad 1.0.zip")),
]
UNKNOWN = [
    (None, "rename from oldname"),
    (None, "docupdate"),
    (None, "Create"),
    (None, "create "),
    (None, ""),
    (None, "add Janitor bob"),
    (None, "add Owner "),
    (None, "change Owner bob"),
    ("1.0", "release buried"),
    ("1.0", "add file x.whl"),
    ("1.0", "add py3 file two words.whl"),
    ("1.0", "remove file "),
]


def action_of(text: str, *, version: str | None = None, name: str = "leftpad") -> Action:
    return parse_row([name, version, TIME, text, 7]).action


def text_of(action: Action) -> tuple[str | None, str]:
    """Version and text as PyPI writes them."""
    match action:
        case RoleChanged(verb="change"):
            return None, f"change Owner {action.who} to {action.role}"
        case RoleChanged():
            return None, f"{action.verb} {action.role} {action.who}"
        case FileAdded():
            return "1.0", f"add py3 file {action.filename}"
        case FileRemoved():
            return "1.0", f"remove file {action.filename}"
        case _:
            for version, table in ((None, WITHOUT_VERSION), ("1.0", WITH_VERSION)):
                for text, known in table:
                    if known == action and text != "remove":
                        return version, text
            raise AssertionError(action)


@pytest.mark.parametrize(("text", "expected"), WITHOUT_VERSION)
def test_a_row_without_a_version_speaks_of_the_project_or_a_role(text: str, expected: Action) -> None:
    """Even where a team's name makes it read like an upload."""
    assert action_of(text) == expected


@pytest.mark.parametrize(("text", "expected"), WITH_VERSION)
def test_a_row_with_a_version_speaks_of_the_release_or_a_file(text: str, expected: Action) -> None:
    """The filename is what follows the last "file"."""
    assert action_of(text, version="1.0") == expected


@pytest.mark.parametrize(("version", "text"), UNKNOWN)
def test_an_unknown_action_is_kept_with_its_text(version: str | None, text: str) -> None:
    """Wording that drifts is no error and nothing is guessed from it."""
    row = parse_row(["leftpad", version, TIME, text, 7])

    assert row.action == Other()
    assert row.text == text


@pytest.mark.parametrize("text", [text for text, _ in WITH_VERSION if text != "remove"])
def test_a_release_action_without_a_version_is_unknown(text: str) -> None:
    """A row never says more than the kind of row it is may say."""
    assert not isinstance(action_of(text), FileAdded | FileRemoved | ReleaseRemoved | ProjectRemoved)


@pytest.mark.parametrize("text", [text for text, _ in WITHOUT_VERSION if text != "remove"])
def test_a_project_action_with_a_version_is_unknown_or_about_a_file(text: str) -> None:
    """Most of all, no project is removed by a row that has a version."""
    assert isinstance(action_of(text, version="1.0"), Other | FileAdded)


def test_an_empty_version_names_neither_project_nor_release() -> None:
    """So the row decides nothing."""
    assert action_of("remove", version="") == Other()
    assert action_of("remove project", version="") == Other()


def test_a_row_has_every_field_of_what_was_delivered() -> None:
    """The name keeps its spelling, the project is its normalised form, the time is aware."""
    row = parse_row(["Solo.Project", "1.0", TIME, "yank release", 49])

    assert row == JournalRow(
        serial=row.serial,
        project=row.project,
        name="Solo.Project",
        version="1.0",
        time=datetime(2026, 11, 22, 3, 12, 12, tzinfo=UTC),
        text="yank release",
        action=ReleaseYanked(),
    )
    assert (row.serial, row.project) == (49, "solo-project")


@pytest.mark.parametrize(
    ("name", "text"),
    [("user:mallory", "nuke user"), ("", "keyrotate "), ("user:mallory", "remove project"), ("a b", "create")],
)
def test_a_row_about_what_can_be_no_project_is_still_a_row(name: str, text: str) -> None:
    """It takes its place among the serials and decides nothing."""
    row = parse_row([name, None, TIME, text, 7])

    assert row.action == Other()
    assert (row.name, row.project, row.text) == (name, name, text)


def test_what_can_be_no_project_is_looked_up_by_few_characters() -> None:
    """An index holds no texts of any length."""
    row = parse_row(["雪" * LONGEST_TEXT, None, TIME, "remove project", 7])

    assert len(row.name) == LONGEST_TEXT
    assert len(row.project) == LONGEST_NO_NAME


def test_texts_beyond_any_sense_are_cut_and_then_decide_nothing() -> None:
    """A cut filename or version would name something else."""
    long_file = parse_row(["a", "1.0", TIME, "remove file " + "x" * LONGEST_TEXT, 7])
    long_version = parse_row(["a", "1" * (LONGEST_TEXT + 1), TIME, "remove release", 7])
    long_name = parse_row(["n" * (LONGEST_TEXT + 1), None, TIME, "remove project", 7])

    assert (long_file.action, long_version.action, long_name.action) == (Other(), Other(), Other())
    assert len(long_file.text) == len(long_version.version or "") == len(long_name.name) == LONGEST_TEXT


@pytest.mark.parametrize(
    ("raw", "sentence"),
    [
        ("abcde", "a journal row is a str, not a list"),
        ([], "a journal row has 0 elements, not 5"),
        (["a", None, TIME, "create", 7, 8], "a journal row has 6 elements, not 5"),
        (["a", None, TIME, "create", "7"], "the serial of a journal row is a str, not an int"),
        (["a", None, TIME, "create", True], "the serial of a journal row is a bool, not an int"),
        (["a", None, TIME, "create", 0], "the serial of a journal row is not between 1 and 2147483647"),
        (["a", None, TIME, "create", LARGEST_SERIAL + 1], "the serial of a journal row is not between"),
        ([None, None, TIME, "create", 7], "the name of journal row 7 is a NoneType, not text"),
        (["a", 1.0, TIME, "create", 7], "the version of journal row 7 is a float, not text"),
        (["a", None, TIME, {}, 7], "the action of journal row 7 is a dict, not text"),
        (["a", None, TIME, "cre\0ate", 7], "the action of journal row 7 has characters that no XML can carry"),
        (["\ud800", None, TIME, "create", 7], "the name of journal row 7 has characters that no XML can carry"),
        (["a", None, float(TIME), "create", 7], "the time of journal row 7 is a float, not an int"),
        (["a", None, TIME * 1000, "create", 7], "the time of journal row 7 does not lie between 1990 and 2200"),
        (["a", None, -TIME, "create", 7], "the time of journal row 7 does not lie between 1990 and 2200"),
        (["a", None, 10**5000, "create", 7], "the time of journal row 7 does not lie between 1990 and 2200"),
    ],
)
def test_what_has_not_the_shape_of_a_row_is_refused_in_one_sentence(raw: object, sentence: str) -> None:
    """The sentence names the row, where it has a serial, and what is wrong with it."""
    with pytest.raises(BadRowError) as refusal:
        parse_row(raw)

    assert str(refusal.value).startswith(sentence)
    assert isinstance(refusal.value, EverpinError)
    assert isinstance(refusal.value, ValueError)


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary(),
    lambda inner: st.lists(inner, max_size=6) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=12,
)
texts = st.text() | st.sampled_from([text for text, _ in WITHOUT_VERSION + WITH_VERSION] + [t for _, t in UNKNOWN])
well_formed = st.tuples(texts, st.none() | texts, st.integers(10**9, 10**9 * 5), texts, st.integers(1, LARGEST_SERIAL))
row_shaped = st.tuples(
    texts | anything,
    st.none() | texts | anything,
    st.integers(0, 10**10) | anything,
    texts | anything,
    st.integers(-1, 2**32) | anything,
)
chosen_names = st.text(
    st.characters(codec="utf-8", exclude_characters="\0"), min_size=1, max_size=80
) | st.sampled_from(
    ["the team", "py3 file x.whl", "file", "bob to Maintainer", "a to Owner to Maintainer", "release", "x\ny"]
)
filenames = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9._!+-]{0,80}", fullmatch=True)
roles = st.sampled_from(["Owner", "Maintainer"])
verbs = st.sampled_from(["add", "remove", "change", "invite", "revoke_invite", "accepted"])
fixed_actions = st.sampled_from(
    [a for _, a in WITHOUT_VERSION + WITH_VERSION if not isinstance(a, RoleChanged | FileAdded | FileRemoved)]
)
actions = st.one_of(
    fixed_actions,
    st.builds(RoleChanged, verbs, roles, chosen_names),
    st.builds(FileAdded, filenames),
    st.builds(FileRemoved, filenames),
)


@given(anything | row_shaped | well_formed)
def test_nothing_that_upstream_sends_raises_anything_but_a_bad_row(raw: object) -> None:
    """And what is read is bounded, aware and storable."""
    try:
        row = parse_row(raw)
    except BadRowError:
        return

    assert 0 < row.serial <= LARGEST_SERIAL
    assert row.time.utcoffset() == timedelta(0)
    for text in (row.name, row.version or "", row.text, row.project):
        assert "\0" not in text.encode().decode()
    assert max(len(row.name), len(row.version or ""), len(row.text)) <= LONGEST_TEXT


@given(actions)
def test_every_known_action_is_read_back_from_its_text(action: Action) -> None:
    """Whatever a user, a team or a file is called."""
    version, text = text_of(action)

    assert action_of(text, version=version) == action


@given(verbs, roles, chosen_names)
def test_no_name_of_a_team_makes_a_role_row_touch_a_release_or_a_file(verb: str, role: str, who: str) -> None:
    """The version decides, not the words."""
    assert isinstance(action_of(f"{verb} {role} {who}"), RoleChanged | Other)
