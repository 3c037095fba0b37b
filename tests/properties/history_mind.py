"""The pure part of everpin alone in a history: what it concludes from rows and pages, with no database and no network.

It lives through the same steps as the whole house does, many times as fast, so that a search gets much further.
What only the house can do wrong (crashes, races, the store, the served page) happens here without effect.
"""

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from mirror.changes import Step as Change
from mirror.changes import by_absence, by_clock, by_page, by_rows, changes_owners, first_sight
from mirror.changes.advisories import by_advisories
from mirror.changes.disappearances import Doubt, disappear
from mirror.journal_rows import JournalRow, RoleChanged
from mirror.model import Cause, Memory, ProjectFacts
from mirror.names import ProjectName, Serial
from mirror.states import Circumstances
from mirror.upstream.page import parse_page
from tests.osv_sim import OsvSim
from tests.properties.history_absences import (
    CONFIRM_INTERVAL,
    AbsenceWords,
    assert_all_absences_are_told,
    believed_until,
)
from tests.properties.history_acts import SPANS, Step, Upstream
from tests.properties.history_advice import AdviceWords
from tests.properties.history_advisers import Advisers
from tests.properties.history_desk import RULES, Desk
from tests.properties.history_model import HistoryModel
from tests.properties.history_nouns import Row
from tests.properties.history_orders import ORDERS, Order, carry_out, order_of
from tests.properties.history_pages import answer_of, shown
from tests.properties.history_thought import Thought, parsed
from tests.properties.history_verdict import assert_nothing_was_overlooked, same
from tests.properties.history_yanks import LastWords, assert_told_once, assert_yanks_told
from tests.pypi_sim import PyPISim

_START = datetime(2026, 8, 10, 12, 0, tzinfo=UTC)
_ORIGIN = "http://index.example.org"
_FILES = "http://files.example.org"


class Mind:
    """One history as it happens. Take steps, and at last `end`."""

    def __init__(self) -> None:
        self.pypi = PyPISim()
        self.pypi.clock.freeze(_START)
        self.upstream = Upstream(self.pypi)
        self.model = HistoryModel(self.pypi.now)
        self.advisers = Advisers(OsvSim(self.pypi.now))
        self.desk = Desk(RULES, Circumstances(journal_since=Serial(0), journal_begun_at=_START))
        self.may_believe: datetime | None = None
        self.thoughts: dict[str, Thought] = {}
        self.words: dict[str, LastWords] = {}
        self.absences: dict[str, AbsenceWords] = {}
        self.advice: dict[str, AdviceWords] = {}
        self._cursor = 0
        self._told_nowhere = 0

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
            case "restart" | "crash_in_order":
                pass  # of which thought alone knows nothing
            case "confirm":
                self._confirm()
            case "set_up":
                self._set_up(step)
            case "look_for_all":
                self._look_for_all(step)
            case "release_brake":
                self._release_brake()
            case "heed":
                self._heed()
            case verb if verb in ORDERS:
                self._order(order_of(step, self.upstream))
            case _:
                if not self.advisers.act(step):
                    self.upstream.act(step)
        self._compare()

    def end(self) -> None:
        """Mends everything, reads and asks for all there is, and compares."""
        self.upstream.mend()
        self.advisers.mend()
        for _ in range(2):
            self._watch(after=timedelta(minutes=31))
        for name, thought in self.thoughts.items():
            if thought.memory.known:
                self._ask(name)
        self._watch()
        self._watch(after=timedelta(minutes=3))
        self._compare()
        self._release_brake()
        for _ in range(2):
            self.pypi.advance(timedelta(minutes=6))
            self._confirm()
            self._compare()
        self._heed()
        self._compare()
        for story in self.model.stories.values():
            assert_nothing_was_overlooked(story, self.pypi)
            assert_all_absences_are_told(story, self.pypi)
            told = self._thought(story.name).yanks()
            self.words[story.name].assert_true(story, self.pypi, wondered=story.name in self.upstream.wondered)
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
                self.desk.around = replace(self.desk.around, journal_at=self.pypi.now())
                self.model.read_all(self.pypi.now())
                return
            self._cursor = new[-1].serial
            self._read([parsed(row.name, row.serial, row.version, row.timestamp, row.action) for row in new])

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
        answer, now = answer_of(self.pypi, name, origin=_ORIGIN), self.pypi.now()
        thought = self._thought(name)
        if answer is None:
            return
        if answer.status == 404:
            if thought.memory.known:
                thought.took([by_absence(thought.memory, now)], now)
                self.model.absent(name)
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
            pending = thought.memory.pending
            thought.took([replace(first, memory=replace(first.memory, pending=pending))], now)
        self.model.see(seen)

    def _order(self, order: Order) -> None:
        known = [thought.memory for thought in self.thoughts.values() if thought.memory.known]
        now = self.pypi.now()
        done = self.desk.obey(known, order, self.desk.court(now))
        for before, change in done or ():
            self._thought(before.project.name).took([change], now)
        if done == []:
            self._told_nowhere += 1
        assert carry_out(self.model, order) is (done is not None)

    def _heed(self) -> None:
        if not self.advisers.are_heard:
            return
        new, now = self.desk.news(self.advisers.osv), self.pypi.now()
        self.desk.around = replace(self.desk.around, advisories_at=now)
        for thought in self.thoughts.values():
            if thought.memory.known:
                thought.took([by_advisories(thought.memory, new)], now)
        self.model.heed(self.advisers.said)

    def _refresh(self) -> None:
        now = self.pypi.now()
        for name, thought in self.thoughts.items():
            due = thought.memory.project.refresh_at
            if thought.memory.known and due is not None and due <= now:
                self._ask(name)

    def _watch(self, *, after: timedelta = timedelta(0)) -> None:
        self.pypi.advance(after)
        self._poll(page_size=1000)
        self._refresh()
        self._keep()

    def _confirm(self) -> None:
        self._poll(page_size=1000)
        self._compare()
        now = self.pypi.now()
        for name, thought in self.thoughts.items():
            if any(f.missing_since is not None and f.disappeared_at is None for f in thought.memory.files):
                self._ask(name)
        stories = self.model.stories.values()
        limit = believed_until(stories, now, self.model.brake_released_at)
        doubt = Doubt(CONFIRM_INTERVAL, min(limit or now, now - CONFIRM_INTERVAL))
        self.may_believe = limit
        for thought in self.thoughts.values():
            thought.took([disappear(thought.memory, doubt, now)], now)

    def _look_for_all(self, step: Step) -> None:
        self._ask(step.name)
        self._compare()
        self._confirm()
        self._compare()
        self.pypi.advance(CONFIRM_INTERVAL + timedelta(seconds=1))
        self._confirm()

    def _set_up(self, step: Step) -> None:
        if not self.thoughts:
            self.model.choice.draw(step.this, step.that)
            self.desk.set_up(self.model.choice)

    def _release_brake(self) -> None:
        self.model.brake_released_at = self.pypi.now()

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
        self.model.store(sha256)
        now = self.pypi.now()
        for thought in self.thoughts.values():
            files = tuple(replace(f, stored_at=now) if f.sha256 == sha256 else f for f in thought.memory.files)
            thought.memory = self.desk.court(now).judged(replace(thought.memory, files=files))

    # What must be true

    def _compare(self) -> None:
        for name, story in self.model.stories.items():
            thought = self._thought(name)
            words = self.absences.setdefault(name, AbsenceWords())
            words.follow(story, thought.absences(), self.pypi, may_believe=self.may_believe)
            if story.known:
                self.advice.setdefault(name, AdviceWords()).follow(story, thought.advice())
                states = thought.states(self.pypi.now())
                same(states, story.states(), f"states of {name}")
            same(thought.acts(), [e for e in self.model.told if e.project == name], f"events of {name}")
            self.words.setdefault(name, LastWords()).follow(story, thought.yanks())
        same(self._told_nowhere, sum(not event.project for event in self.model.told), "acts about nothing")

    def _thought(self, name: str) -> Thought:
        project = ProjectName(name)
        facts = ProjectFacts(None, project, name, self.pypi.now())
        return self.thoughts.setdefault(name, Thought(Memory(facts, known=False), self.desk))
