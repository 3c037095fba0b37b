"""Whatever upstream does, and however late, stale or unordered its pages and rows arrive, these promises hold."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import TypeAlias

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mirror.changes import by_page, by_rows
from mirror.journal_rows import (
    FileRemoved,
    JournalRow,
    ProjectQuarantineCleared,
    ProjectQuarantined,
    ProjectRemoved,
    ReleaseRemoved,
)
from mirror.model import Cause, FileFacts, ProjectPage
from mirror.names import same_version_key
from mirror.states import judged
from tests.mirror.changes.histories import OFFERED, RULES, History
from tests.mirror.changes.upstreams import VERSIONS, Upstream

_KINDS = {FileRemoved: "file.deleted", ReleaseRemoved: "release.deleted", ProjectRemoved: "project.deleted"}


@dataclass(frozen=True)
class Act:
    """Something upstream does."""

    name: str
    done: Callable[[Upstream], None]

    def __repr__(self) -> str:
        return self.name


@dataclass(frozen=True)
class Rows:
    """So many of the rows not read yet are read, in batches of that size."""

    count: int
    batch: int


@dataclass(frozen=True)
class Page:
    """The page is fetched, as it was so many acts ago."""

    acts_ago: int


Move: TypeAlias = Act | Rows | Page

_versions = st.sampled_from(VERSIONS)
_small = st.integers(0, 3)
_reasons = st.sampled_from((None, "", "broken", "worse"))


def _acts() -> st.SearchStrategy[Act]:
    return st.one_of(
        st.builds(
            lambda v, a: Act(f"upload {v} announced={a}", lambda u: u.upload(v, announced=a)), _versions, st.booleans()
        ),
        st.builds(lambda n: Act(f"restore {n}", lambda u: u.restore(n)), _small),
        st.builds(lambda v: Act(f"remove file of {v}", lambda u: u.remove_file(v)), _versions),
        st.builds(lambda v, n: Act(f"remove {v} {n}", lambda u: u.remove_release(v, n)), _versions, _small),
        st.just(Act("remove project", Upstream.remove_project)),
        st.builds(lambda v, r: Act(f"yank {v} {r}", lambda u: u.yank(v, r)), _versions, _reasons),
        st.builds(lambda v: Act(f"quarantine {v}", lambda u: u.quarantine(v)), st.none() | _versions),
    )


_moves: st.SearchStrategy[list[Move]] = st.lists(
    st.one_of(
        _acts(),
        st.builds(lambda v: Act(f"upload {v}", lambda u: u.upload(v)), _versions),
        st.builds(Rows, st.integers(1, 8), st.integers(1, 4)),
        st.builds(Page, st.sampled_from((0, 0, 0, 1, 2, 5))),
    ),
    min_size=10,
    max_size=40,
)
# The same examples at every run: what a search finds belongs into a test of its own.
_bounded = settings(max_examples=200, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])


@dataclass
class World:
    """Upstream and everpin, and how far the journal was read."""

    upstream: Upstream
    everpin: History
    read: int = 0
    page_shows: frozenset[str] = frozenset()

    def move(self, move: Move) -> None:
        """Lets one thing happen."""
        self.everpin.now = max(self.everpin.now, self.upstream.now())
        if isinstance(move, Act):
            move.done(self.upstream)
        elif isinstance(move, Page):
            self.fetch(move.acts_ago)
        else:
            self.hear(move.count, move.batch)

    def fetch(self, acts_ago: int) -> None:
        """Everpin sees the page; before the first act there is none to see."""
        pages = self.upstream.pages
        if not pages:
            return
        seen: ProjectPage | None = pages[max(len(pages) - 1 - acts_ago, 0)]
        if seen is not None:
            self.page_shows = frozenset(file.filename for file in seen.files)
            self.everpin.page(seen)
        elif self.everpin.memory.known:
            self.everpin.absence()
        self.everpin.store()

    def hear(self, count: int, batch: int) -> None:
        """Everpin reads rows."""
        new = self.upstream.journal[self.read : self.read + count]
        for start in range(0, len(new), batch):
            self.everpin.rows(*new[start : start + batch])
        self.read += len(new)

    def finish(self, *, batch: int = 1) -> None:
        """Everything that was said is heard, and the page is fetched once more."""
        self.everpin.now = max(self.everpin.now, self.upstream.now())
        self.hear(len(self.upstream.journal), batch)
        self.fetch(0)

    @property
    def heard(self) -> list[JournalRow]:
        """The rows that were read."""
        return self.upstream.journal[: self.read]

    def files(self) -> tuple[FileFacts, ...]:
        """What is remembered of files, judged now."""
        return judged(self.everpin.memory, rules=RULES, now=self.everpin.now).files


def _after(moves: Iterable[Move]) -> World:
    world = World(Upstream(), History())
    for move in moves:
        world.move(move)
    return world


def _removals(rows: Iterable[JournalRow]) -> list[tuple[int, str]]:
    return [(r.serial, _KINDS[type(r.action)]) for r in rows if type(r.action) in _KINDS]


@given(_moves)
@_bounded
def test_in_the_end_we_list_what_upstream_lists(moves: list[Move]) -> None:
    """With all rows and a fresh page, nothing is too much and nothing too little but what a quarantine hides."""
    world = _after(moves)
    world.finish()
    files = world.everpin.memory.files
    ours = {file.filename for file in files if file.listed}

    assert world.upstream.shown <= ours <= world.upstream.shown | world.upstream.hidden
    assert all(file.departed is None for file in files if file.listed)
    assert all(file.departed is not None for file in files if not file.listed)
    assert {file.filename for file in files if file.missing_since is not None} <= world.upstream.hidden
    assert len({(f.filename, f.incarnation) for f in files}) == len(files)


@given(_moves)
@_bounded
def test_every_removal_is_told_exactly_once(moves: list[Move]) -> None:
    """One row, one telling of its kind, in the order of the rows; pages and their replayed rows add none."""
    world = _after(moves)
    world.finish()
    told = [(t.serial, str(t.kind)) for t in world.everpin.told if str(t.kind) in _KINDS.values()]

    assert told == _removals(world.upstream.journal)


@given(_moves)
@_bounded
def test_a_latecomer_is_never_offered_once_its_row_was_read(moves: list[Move]) -> None:
    """A file put up after its version, or an earlier life of the name, had ended is held at every moment from then."""
    world = World(Upstream(), History())
    for move in moves:
        world.move(move)
        read = world.heard[-1].serial if world.heard else 0
        known_late = {name for name, ended in world.upstream.late.items() if ended <= read}

        assert not [f.filename for f in world.files() if f.filename in known_late and f.state in OFFERED]


@given(_moves)
@_bounded
def test_a_latecomer_is_never_offered_where_what_it_replaces_is_known(moves: list[Move]) -> None:
    """Also before any row was read: the page that brings it lacks all that was known of the version."""
    world = World(Upstream(), History())
    held: set[str] = set()
    for move in moves:
        before = world.everpin.memory.files
        world.move(move)
        late = world.upstream.late
        for file in world.everpin.memory.files:
            if file.filename not in late or any(f.filename == file.filename for f in before):
                continue
            # Other latecomers stand for the version until they are known for what they are.
            replaced = {f.filename for f in before if f.version == file.version and f.filename not in held}
            if replaced and not replaced & world.page_shows:
                held.add(file.filename)

        assert not [f.filename for f in world.files() if f.filename in held and f.state in OFFERED]


@given(_moves)
@_bounded
def test_nothing_is_offered_under_a_quarantine(moves: list[Move]) -> None:
    """From the row or the page's status on, for the project and for each release, cached copies included."""
    world = World(Upstream(), History())
    for move in moves:
        world.move(move)
        quarantined, releases = _quarantined(world.heard)
        project = world.everpin.memory.project
        offered = [file for file in world.files() if file.state in OFFERED]

        assert not (offered and (quarantined or project.quarantined_by is not None))
        assert not [
            f for f in offered if f.incarnation == project.incarnation and same_version_key(f.version or "") in releases
        ]


def _quarantined(heard: Iterable[JournalRow]) -> tuple[bool, set[str]]:
    project, releases = False, set[str]()
    for one in heard:
        key = same_version_key(one.version) if one.version is not None else ""
        if isinstance(one.action, ProjectQuarantined):
            project = True
        elif isinstance(one.action, ProjectQuarantineCleared):
            project = False
        elif isinstance(one.action, ProjectRemoved):
            project, releases = False, set()
        elif one.text == "release quarantined":
            releases.add(key)
        elif one.text in ("release quarantine cleared", "remove release"):
            releases.discard(key)
    return project, releases


@given(_moves)
@_bounded
def test_no_quarantine_outlasts_upstreams(moves: list[Move]) -> None:
    """When everything was heard, only what upstream quarantines now is blocked."""
    world = _after(moves)
    world.finish()
    blocked = {f.filename for f in world.files() if f.cause is Cause.QUARANTINE and f.state == "blocked"}
    hidden_versions = {v for v, release in world.upstream.releases.items() if release.quarantined}

    if not world.upstream.quarantined:
        assert {f.version for f in world.files() if f.filename in blocked} <= hidden_versions


@given(_moves, st.integers(1, 6))
@_bounded
def test_neither_batches_nor_another_run_make_a_difference(moves: list[Move], batch: int) -> None:
    """The same said in the same order leaves the same facts and tellings, however the rows are packed."""
    one = _after(moves)
    other = _after(replace(move, batch=batch) if isinstance(move, Rows) else move for move in moves)
    one.finish()
    other.finish(batch=batch)

    assert one.everpin.memory == other.everpin.memory
    assert one.everpin.told == other.everpin.told


@given(_moves)
@_bounded
def test_what_was_heard_before_tells_nothing(moves: list[Move]) -> None:
    """Replayed rows are silent, and so is the same page seen again; it changes nothing either."""
    world = _after(moves)
    world.finish()
    everpin, last = world.everpin, world.upstream.pages[-1] if world.upstream.pages else None

    assert by_rows(everpin.memory, everpin.journal, everpin.now, replay=True).tellings == ()
    if last is not None:
        again = by_page(everpin.memory, last, everpin.journal, everpin.now)
        assert not again.stale
        assert again.tellings == ()
        assert again.memory == everpin.memory
