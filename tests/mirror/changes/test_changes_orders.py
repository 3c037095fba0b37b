"""What operators order, applied to what is remembered."""

from dataclasses import replace
from datetime import timedelta

import pytest

from mirror.changes.orders import Block, Standing, blocked_anew, purged, released, set_right, under_orders, unpurged
from mirror.model import FileFacts, Memory
from mirror.names import Sha256
from mirror.states import judged
from mirror.targets import FilesTarget, parse_target
from tests.mirror.changes.histories import NAME, NOW, RULES, History, changed, known, listed, page, row

ONE = "demo-1.0-py3-none-any.whl"
TWO = "demo-2.0-py3-none-any.whl"
YOUNG = NOW - timedelta(hours=2)


def target(text: str) -> FilesTarget:
    found = parse_target(text)
    assert isinstance(found, FilesTarget)
    return found


def by_digest(file: FileFacts) -> FilesTarget:
    return target(f"sha256:{file.sha256}")


def release(history: History, text: FilesTarget | str, *, act: int = 7, as_was: bool = False) -> tuple[str, ...]:
    """Releases and says which files that were."""
    chosen = target(text) if isinstance(text, str) else text
    obeyed = released(judged(history.memory, rules=RULES, now=history.now), chosen, act, as_was=as_was)
    history.memory = obeyed.memory
    return tuple(name for _, name, _ in obeyed.files)


def blocks(*texts: str) -> Standing:
    return Standing(tuple(Block(number, target(text)) for number, text in enumerate(texts, start=1)))


@pytest.mark.parametrize(
    ("standing", "expected"),
    [
        (("demo",), {ONE: 1, TWO: 1}),
        (("demo==1.0.0",), {ONE: 1, TWO: None}),
        (("other", "demo==2"), {ONE: None, TWO: 2}),
        (("demo==1.0", "demo"), {ONE: 1, TWO: 2}),
        ((), {ONE: None, TWO: None}),
    ],
)
def test_a_file_is_blocked_by_the_first_block_that_covers_it(
    standing: tuple[str, ...], expected: dict[str, int | None]
) -> None:
    """Also what is seen only now."""
    memory = known(listed("1.0"), listed("2.0")).memory

    after = under_orders(memory, blocks(*standing), NOW)

    assert {file.filename: file.blocked_by for file in after.files} == expected


def test_what_another_block_covers_stays_blocked() -> None:
    """Taking back the block on a release leaves the one on its project."""
    before = under_orders(known(listed("1.0")).memory, blocks("demo==1.0", "demo"), NOW)

    obeyed = blocked_anew(before, target("demo==1.0"), Standing((Block(2, target("demo")),)))

    assert [file.blocked_by for file in obeyed.memory.files] == [2]
    assert [name for _, name, _ in obeyed.files] == [ONE]


def test_what_is_set_right_is_blocked_by_nothing_that_ended() -> None:
    """And by everything that stands."""
    before = under_orders(known(listed("1.0"), listed("2.0")).memory, blocks("demo==1.0"), NOW)

    after = set_right(before, Standing((Block(3, target("demo==2.0")),)), NOW)

    assert {file.filename: file.blocked_by for file in after.files} == {ONE: None, TWO: 3}


def test_a_young_departed_file_is_released_by_its_version() -> None:
    """Files of other versions are not."""
    history = known(listed("1.0", uploaded=YOUNG), listed("2.0", uploaded=YOUNG))
    history.rows(row(60, "remove release", "1.0"), row(61, "remove release", "2.0"))

    chosen = release(history, "demo==1")

    assert chosen == (ONE,)
    assert history.states() == {ONE: "kept", TWO: "held young"}


def test_only_what_is_held_or_gone_is_released() -> None:
    """A live file needs no release, and must not have one in store for what may come."""
    history = known(listed("1.0"))

    assert release(history, "demo") == ()
    assert history.file(ONE).released_by is None


def test_a_release_covers_the_departure_it_was_given_for() -> None:
    """When the file is back and goes again, somebody has to look again."""
    history = known(listed("1.0", uploaded=YOUNG))
    history.rows(row(60, "remove release", "1.0"))
    release(history, "demo")
    history.page(page(62, listed("1.0", uploaded=YOUNG)))
    assert history.states() == {ONE: "live"}

    history.rows(row(64, "remove release", "1.0"))

    assert history.states() == {ONE: "held young"}


@pytest.mark.parametrize("by_bytes", [False, True])
def test_a_release_lets_nothing_through_that_was_quarantined_after_it(by_bytes: bool) -> None:
    """Not even where an operator vouched for exactly these bytes, who could not know of it."""
    history = known(listed("1.0"))
    history.rows(row(60, "remove release", "1.0"))
    release(history, by_digest(history.file(ONE)) if by_bytes else "demo==1.0")
    history.page(page(62, listed("1.0")))
    history.rows(row(64, "release quarantined", "1.0"), row(65, "release quarantine cleared", "1.0"))

    history.rows(row(66, "remove release", "1.0"))

    assert history.states() == {ONE: "held quarantine"}


def test_what_is_quarantined_or_called_malware_is_released_only_by_its_digest() -> None:
    """A name says nothing of the bytes."""
    history = known(listed("1.0"))
    history.memory = replace(
        history.memory, files=tuple(replace(file, advisories=("MAL-1",)) for file in history.memory.files)
    )

    by_name = release(history, "demo")
    state_by_name = history.states()
    by_bytes = release(history, by_digest(history.file(ONE)))

    assert (by_name, state_by_name) == ((), {ONE: "blocked advisory"})
    assert (by_bytes, history.states()) == ((ONE,), {ONE: "live"})


def _replaced() -> tuple[History, FileFacts, FileFacts]:
    history = known(listed("1.0"), listed("2.0"))
    history.rows(row(60, "remove release", "1.0"))
    history.page(page(62, listed("1.0", content="other"), listed("2.0")))
    old, new = (file for file in history.memory.files if file.filename == ONE)
    return history, *((old, new) if not old.listed else (new, old))


def test_a_replacement_released_by_its_digest_takes_the_place() -> None:
    """The first file of that name is the replacement now, and is held; by its digest it can be turned round again."""
    history, old, new = _replaced()

    release(history, by_digest(new))
    turned = {file.sha256: (str(file.state), file.replaced) for file in _now(history) if file.filename == ONE}
    release(history, by_digest(old))
    back = {file.sha256: (str(file.state), file.replaced) for file in _now(history) if file.filename == ONE}

    assert turned == {old.sha256: ("held", True), new.sha256: ("live", False)}
    assert back == {old.sha256: ("kept", False), new.sha256: ("held", True)}


def test_a_replacement_is_not_released_by_its_name() -> None:
    """Which of two files of one name is meant only a digest can say."""
    history, old, new = _replaced()

    release(history, "demo")

    states = {file.sha256: f"{file.state} {file.cause}" for file in _now(history) if file.filename == ONE}
    assert states == {old.sha256: "kept None", new.sha256: "held replaced"}


def test_as_was_is_noted_of_what_is_gone_alone() -> None:
    """And taken back by a release without it."""
    history = known(listed("1.0"), listed("2.0"))
    history.rows(row(60, "remove release", "1.0"))

    release(history, "demo", as_was=True)
    first = {file.filename: file.as_was for file in history.memory.files}
    release(history, "demo")

    assert first == {ONE: True, TWO: False}
    assert [file.as_was for file in history.memory.files] == [False, False]


def test_a_block_wins_over_a_release_and_leaves_it() -> None:
    """When it is taken back the file is what the release made of it."""
    history = known(listed("1.0", uploaded=YOUNG))
    history.rows(row(60, "remove release", "1.0"))
    release(history, "demo")

    history.memory = blocked_anew(history.memory, target("demo"), blocks("demo")).memory
    blocked = history.states()
    history.memory = blocked_anew(history.memory, target("demo"), blocks()).memory

    assert (blocked, history.states()) == ({ONE: "blocked operator"}, {ONE: "kept"})


def test_purged_files_have_no_bytes_until_they_are_unpurged() -> None:
    """Those with other bytes keep theirs; what is unpurged has to be fetched."""
    history = known(listed("1.0"), listed("2.0"))
    digest = history.file(ONE).sha256
    assert digest is not None

    history.memory = purged(history.memory, target("demo==1.0"), frozenset({digest}), NOW).memory
    states = history.states()
    history.memory = unpurged(history.memory, target("demo"), frozenset({digest})).memory

    assert states == {ONE: "purged", TWO: "live"}
    assert history.states() == {ONE: "live", TWO: "live"}
    assert {file.filename: file.stored_at is not None for file in history.memory.files} == {ONE: False, TWO: True}


def test_what_nobody_knows_the_digest_of_is_purged_by_its_name() -> None:
    """There is nothing that could be banned; the file itself stays purged."""
    memory = known(replace(listed("1.0"), sha256=None)).memory

    after = purged(memory, target("demo"), frozenset(), NOW).memory

    assert [file.purged_at for file in after.files] == [NOW]
    assert [file.purged_at for file in unpurged(after, target("demo"), frozenset()).memory.files] == [None]


def test_banned_bytes_are_purged_as_soon_as_they_are_seen() -> None:
    """Whatever their name."""
    memory = known(listed("1.0"), listed("2.0")).memory
    digest = memory.files[0].sha256
    assert digest is not None

    after = under_orders(memory, Standing(tombstones=frozenset({digest, Sha256("0" * 64)})), NOW)

    assert [file.purged_at for file in after.files] == [NOW, None]
    assert after.project.name == NAME


def _now(history: History) -> tuple[FileFacts, ...]:
    memory: Memory = judged(history.memory, rules=RULES, now=history.now)
    return memory.files


def test_a_row_that_only_explains_what_was_released_leaves_it_released() -> None:
    """The file had been gone before, and was released so."""
    history = known(listed("1.0"), listed("2.0"))
    history.memory = changed(
        history.memory, ONE, listed=False, missing_since=NOW, missing_seen=NOW, disappeared_at=NOW, listed_until=50
    )
    assert release(history, "demo==1.0") == (ONE,)

    history.rows(row(60, "remove release", "1.0"))

    file = history.file(ONE)
    assert file.departed is not None
    assert file.released_by == 7
