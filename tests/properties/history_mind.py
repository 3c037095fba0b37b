"""The pure part of everpin alone in a history: what it concludes from rows and pages, with no database and no network.

It lives through the same steps as the whole house does, many times as fast, so that a search gets much further.
What only the house can do wrong (crashes, races, the store, the served page) happens here without effect.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

from mirror.actions import read_action
from mirror.changes import Step as Change
from mirror.changes import by_absence, by_clock, by_page, by_rows, changes_owners, first_sight
from mirror.events import EventDraft
from mirror.journal_rows import JournalRow, RoleChanged
from mirror.model import Cause, Memory, ProjectFacts
from mirror.names import ProjectName, Serial
from mirror.observe.judging import Court
from mirror.observe.telling import draft
from mirror.setting_values import Reregistered
from mirror.states import Circumstances, Rules, judged
from mirror.upstream.page import parse_page
from tests.properties.history_acts import SPANS, Step, Upstream
from tests.properties.history_evidence import MIN_AGE
from tests.properties.history_model import HistoryModel
from tests.properties.history_nouns import Row, Told
from tests.properties.history_pages import shown
from tests.properties.history_verdict import COMPARED, assert_nothing_was_overlooked, same
from tests.properties.history_yanks import TOLD_LATE, LastWords, ToldYank, assert_told_once, assert_yanks_told
from tests.pypi_sim import PyPISim, pages
from tests.pypi_sim.answers import Answer, not_found_text
from tests.pypi_sim.lies import spoilt
from tests.pypi_sim.negotiate import SIMPLE_JSON

_START = datetime(2026, 8, 10, 12, 0, tzinfo=UTC)
_RULES = Rules(min_age=MIN_AGE, quarantine_memory=None, reregistered=Reregistered.OWNER, cooldown=timedelta(hours=72))
_ORIGIN = "http://index.example.org"
_FILES = "http://files.example.org"


@dataclass
class Thought:
    """What is remembered of one project, and what was told of it."""

    memory: Memory
    journal: list[JournalRow] = field(default_factory=list)
    told: list[EventDraft] = field(default_factory=list)

    def took(self, changes: Sequence[Change], now: datetime) -> None:
        """Remembers what one transaction changed, and tells in the order of serials."""
        told = [draft(t, one.memory, Court(_RULES, now, Circumstances())) for one in changes for t in one.tellings]
        self.told += sorted(told, key=lambda one: (one.serial is None, one.serial or 0))
        self.memory = judged(changes[-1].memory, rules=_RULES, now=now)


class Mind:
    """One history as it happens. Take steps, and at last `end`."""

    def __init__(self) -> None:
        self.pypi = PyPISim()
        self.pypi.clock.freeze(_START)
        self.upstream = Upstream(self.pypi)
        self.model = HistoryModel(self.pypi.now)
        self.thoughts: dict[str, Thought] = {}
        self.words: dict[str, LastWords] = {}
        self._cursor = 0

    def take(self, step: Step) -> None:
        """Lets the step happen and compares."""
        self.pypi.advance(timedelta(seconds=1))
        match step.verb:
            case "poll" | "poll_twice_at_once":
                self._poll(page_size=1000)
            case "poll_in_small_pages":
                self._poll(page_size=2)
            case "crash_in_poll":
                self._poll(page_size=2, transactions=(step.this + 1) // 2)
            case "refresh":
                self._refresh()
            case "crash_in_refresh":
                if step.this % 2:
                    self._ask(step.name)
            case "keep":
                self._keep()
            case "watch":
                self._watch()
            case "page" | "file" | "metadata":
                self._serve(step)
            case "advance":
                self.pypi.advance(SPANS[step.this % len(SPANS)])
                self._clock()
            case "restart":
                pass
            case _:
                self.upstream.act(step)
        self._compare()

    def end(self) -> None:
        """Mends everything, reads and asks for all there is, and compares."""
        self.upstream.mend()
        for _ in range(2):
            self.pypi.advance(timedelta(minutes=31))
            self._watch()
        for name, thought in self.thoughts.items():
            if thought.memory.known:
                self._ask(name)
        self._watch()
        self.pypi.advance(timedelta(minutes=3))
        self._watch()
        self._compare()
        for story in self.model.stories.values():
            assert_nothing_was_overlooked(story, self.pypi)
            told = _yanks_told(self._thought(story.name))
            self.words[story.name].assert_true(story, self.pypi)
            assert_yanks_told(story, told)
            if story.name not in self.upstream.wondered:
                assert_told_once(story, told)

    # What everpin does

    def _poll(self, *, page_size: int, transactions: int = 1000) -> None:
        self._clock()
        if self.pypi.faults.xmlrpc is not None or self.pypi.faults.index_down is not None:
            return
        for _ in range(transactions):
            new = self.pypi.rows_since(self._cursor)[:page_size]
            if not new:
                return
            self._cursor = new[-1].serial
            self._read([_parsed(row.name, row.serial, row.version, row.timestamp, row.action) for row in new])

    def _read(self, rows: Iterable[JournalRow]) -> None:
        rows, now = list(rows), self.pypi.now()
        for name in dict.fromkeys(row.project for row in rows):
            thought = self._thought(name)
            steps = [Change(thought.memory)]
            for row in rows:
                if row.project == name:
                    thought.journal.append(row)
                    if not isinstance(row.action, RoleChanged) or changes_owners(row.action):
                        steps.append(by_rows(steps[-1].memory, [row], now, remembered=thought.journal))
            thought.took(steps, now)
        self.model.read([Row(row.serial, row.project, row.version, row.text, row.time) for row in rows], now)

    def _clock(self) -> None:
        now = self.pypi.now()
        for thought in self.thoughts.values():
            thought.took([by_clock(thought.memory, now)], now)
        self.model.tick(now)

    def _ask(self, name: str) -> None:
        answer, now = self._answer(name), self.pypi.now()
        thought = self._thought(name)
        if answer is None:
            return
        if answer.status == 404:
            if thought.memory.known:
                thought.took([by_absence(thought.memory, now)], now)
            return
        seen = shown(name, answer)
        if seen is None:
            return
        page = parse_page(
            ProjectName(name), f"{_ORIGIN}/simple/{name}/", answer.body, serial_header=None, etag=None
        ).page
        if thought.memory.known:
            thought.took([by_page(thought.memory, page, thought.journal, now)], now)
        else:
            first = first_sight(page, thought.journal, now)
            project = replace(first.memory.project, id=1)
            pending = thought.memory.pending
            thought.took([replace(first, memory=replace(first.memory, project=project, pending=pending))], now)
        self.model.see(seen)

    def _answer(self, name: str) -> Answer | None:
        faults = self.pypi.faults
        if faults.index_down is not None:
            return None

        def render() -> Answer:
            project = self.pypi.projects.get(name)
            if project is None:
                return spoilt(not_found_text(), faults.pages.get(name))
            page = pages.simple_page(project, SIMPLE_JSON, files_url=_FILES, origin=_ORIGIN)
            return spoilt(page, faults.pages.get(name))

        return self.pypi.cdn.fetch(name, render).answer

    def _refresh(self) -> None:
        now = self.pypi.now()
        for name, thought in self.thoughts.items():
            due = thought.memory.project.refresh_at
            if thought.memory.known and due is not None and due <= now:
                self._ask(name)

    def _watch(self) -> None:
        self._poll(page_size=1000)
        self._refresh()
        self._keep()

    def _serve(self, step: Step) -> None:
        memory = self._thought(step.name).memory
        if not memory.known or memory.project.wanted_serial is not None:
            self._ask(step.name)
        theirs = [file for file in self.upstream.uploads if file.project == step.name]
        if step.verb == "file" and theirs:
            wanted = theirs[step.this % len(theirs)]
            if not self.upstream.is_sent(wanted.filename):
                return
            for file in self._thought(step.name).memory.files:
                if file.sha256 == wanted.sha256 and file.state in ("live", "yanked", "kept"):
                    self._store(wanted.sha256)

    def _keep(self) -> None:
        for thought in self.thoughts.values():
            for file in thought.memory.files:
                if file.cause is Cause.RESCUE and self.upstream.is_sent(file.filename):
                    self._store(file.sha256 or "")

    def _store(self, sha256: str) -> None:
        self.model.stored.add(sha256)
        now = self.pypi.now()
        for thought in self.thoughts.values():
            files = tuple(replace(f, stored_at=now) if f.sha256 == sha256 else f for f in thought.memory.files)
            thought.memory = judged(replace(thought.memory, files=files), rules=_RULES, now=now)

    # What must be true

    def _compare(self) -> None:
        for name, story in self.model.stories.items():
            thought = self._thought(name)
            if story.known:
                files = sorted(thought.memory.files, key=lambda file: file.incarnation)
                states = {(f.filename, f.sha256): f"{f.state} {f.cause}" if f.cause else str(f.state) for f in files}
                same(states, story.states(), f"states of {name}")
            told = [_told(one) for one in thought.told if one.kind not in TOLD_LATE]
            same(told, [event for event in self.model.told if event.project == name], f"events of {name}")
            self.words.setdefault(name, LastWords()).follow(story, _yanks_told(thought))

    def _thought(self, name: str) -> Thought:
        project = ProjectName(name)
        facts = ProjectFacts(None, project, name, self.pypi.now())
        return self.thoughts.setdefault(name, Thought(Memory(facts, known=False)))


def _parsed(name: str, serial: int, version: str | None, at: datetime, text: str) -> JournalRow:
    return JournalRow(Serial(serial), ProjectName(name), name, version, at, text, read_action(text, version))


def _told(one: EventDraft) -> Told:
    compared = None
    if one.kind in COMPARED and one.files is not None:
        compared = tuple(sorted((file.filename, str(file.state)) for file in one.files))
    return Told(one.kind, one.project or "", one.version, one.serial, compared)


def _yanks_told(thought: Thought) -> list[ToldYank]:
    return [
        ToldYank(
            one.kind, one.version, one.serial, tuple((f.filename, f.sha256) for f in one.files or ()), one.yanked_reason
        )
        for one in thought.told
        if one.kind in TOLD_LATE
    ]
