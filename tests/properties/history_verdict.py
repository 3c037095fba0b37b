"""What must be true of a history: what everpin knows, told and serves is what the model says.

Some of it holds after each step, some only at the end, when everpin has nothing left to do.
"""

import asyncio
import hashlib
import json
from collections.abc import Awaitable, Callable, Collection
from datetime import datetime

from mirror.catalog import circumstances
from mirror.states import earliest_end, judged
from tests.properties.history_absences import AbsenceWords, ToldAbsence, believed_until, is_of_absence
from tests.properties.history_advice import ADVISED, AdviceWords, ToldAdvice, advice_told
from tests.properties.history_evidence import OFFERED
from tests.properties.history_model import HistoryModel
from tests.properties.history_nouns import Told
from tests.properties.history_story import Story
from tests.properties.history_yanks import TOLD_LATE, LastWords, ToldYank, assert_told_once, assert_yanks_told
from tests.pypi_sim import File, PyPISim
from tests.watcher.houses import House

_LOOKS = 100
_WITHHELD = (
    "held stranger",
    "held replaced",
    "held quarantine",
    "held young",
    "held settling",
    "blocked quarantine",
    "blocked advisory",
    "blocked operator",
)
COMPARED = ("file.deleted", "release.deleted", "project.deleted", "restored", "file.replaced")


class Verdict:
    """On a whole everpin: the house that stands now, for it changes with each restart.

    `settle` waits until everpin has finished what it began and the model was shown as much. `wondered` are the projects
    with which something happened that no row tells of.
    """

    def __init__(
        self,
        pypi: PyPISim,
        model: HistoryModel,
        *,
        house: Callable[[], House],
        settle: Callable[[], Awaitable[None]],
        wondered: Collection[str],
    ) -> None:
        self._pypi = pypi
        self._model = model
        self._house = house
        self._settle = settle
        self._wondered = wondered
        self._words: dict[str, LastWords] = {}
        self._advice: dict[str, AdviceWords] = {}
        self._absences: dict[str, AbsenceWords] = {}

    async def compare(self) -> None:
        """States and events are those of the model.

        States whose time is over are judged first by what everpin itself uses for that, as they are for whoever asks.
        So a job of the clock that never ran would not show here.
        """
        may_believe = believed_until(self._model.stories.values(), self._pypi.now(), self._model.brake_released_at)
        for name, story in self._model.stories.items():
            words = self._absences.setdefault(name, AbsenceWords())
            words.follow(story, await self._absences_told(name), self._pypi, may_believe=may_believe)
        for name, story in self._model.stories.items():
            if story.known:
                same(await self._states(name), story.states(), f"states of {name}")
        told = [self._told(*event) for event in await self._events() if not is_of_absence(event[0], event[3])]
        acts = [event for event in told if event.kind not in (*TOLD_LATE, *ADVISED, "rescued")]
        for name in ("", *self._model.stories):
            # Pages of several projects may be asked for at once; the journal puts the rest in order.
            expected = [event for event in self._model.told if event.project == name]
            same([event for event in acts if event.project == name], expected, f"events of {name}")
        serials = [event.serial for event in acts if event.serial is not None]
        assert serials == sorted(set(serials))
        for name, story in self._model.stories.items():
            self._words.setdefault(name, LastWords()).follow(story, await self._yanks_told(name))
            self._advice.setdefault(name, AdviceWords()).follow(story, await self._advice_told(name))

    async def assert_page(self, name: str, story: Story) -> None:
        """The page that is served offers what the model's does."""
        if not story.known:
            return
        # Who serves pages hears of a change at once, but not before the transaction ends that made it.
        for _ in range(_LOOKS):
            page = await self._house().listed(name)
            await self._settle()
            listed, expected = _comparable(page, story), _comparable(story.page(), story)
            if listed == expected:
                return
            await asyncio.sleep(0.02)
        same(listed, expected, f"page of {name}")

    def assert_file(self, file: File, status: int | None, body: bytes, *, metadata: bool = False) -> None:
        """An answer to who asked for a file gives the right bytes, or says why there are none.

        None is the status of an answer that broke off: bytes that turn out to be wrong must not be completed.
        """
        content = file.metadata if metadata else file.content
        if status == 200:
            assert body == content
        record = self._model.story(file.project).records.get((file.filename, file.sha256))
        if record is None:
            assert status in (404, 503)
            return
        state = self._model.story(file.project).state(record)
        if state == "purged":
            assert status == 410
        elif state == "held unexplained":
            assert status in (200, 403, 404)  # what the journal says of it by now is looked at every hour
        elif state in _WITHHELD:
            assert status == 403
        elif not metadata and state in ("live", "yanked", "kept") and file.sha256 in self._model.stored:
            assert status == 200
        else:
            assert status in (200, 404, 502, 503, None)

    def assert_offered_is_had(self, file: File, status: int | None) -> None:
        """Where everything works, who asks for a file that is offered gets it, unless upstream's storage forgot it."""
        story = self._model.story(file.project)
        record = story.records.get((file.filename, file.sha256))
        if record is None or story.state(record) not in OFFERED:
            return
        assert status == 200 or self._pypi.faults.is_forgotten(file.filename), f"{file.filename}: {status}"

    def assert_wanted_pages_came(self) -> None:
        """For every row that changes a page, a page as new was seen, if there is one."""
        for name, story in self._model.stories.items():
            living = self._pypi.projects.get(name)
            rows = [
                row.serial for row in story.rows if row.action.startswith(("add py3", "add source", "yank", "unyank"))
            ]
            if story.known and living is not None and rows and living.last_serial >= max(rows):
                assert story.believed >= max(rows), name

    async def assert_rescues(self) -> None:
        """What departed is here, unless it may be malware or upstream's storage had forgotten it."""
        for story in self._model.stories.values():
            for record in story.records.values():
                if story.state(record) == "held rescue":
                    assert self._pypi.faults.is_forgotten(record.entry.filename)
        rescued = [event for event in await self._events() if event[0] == "rescued"]
        for kind, _, _, payload in rescued:
            assert kind == "rescued"
            files = payload["files"]
            assert isinstance(files, list)
            assert {file["sha256"] for file in files} <= self._model.had

    async def assert_yanks(self) -> None:
        """No yank is missing, none was told twice, and the last words are true."""
        for name, story in self._model.stories.items():
            told = await self._yanks_told(name)
            self._words[name].assert_true(story, self._pypi, wondered=name in self._wondered)
            assert_yanks_told(story, told)
            if name not in self._wondered:
                assert_told_once(story, told)

    async def assert_chain(self) -> None:
        """Every event follows from the one before."""
        chain, events = "", await self._house().events()
        for event in events:
            digest = hashlib.sha256(event.payload or b"").hexdigest()
            chain = hashlib.sha256(f"{chain}\n{event.id}\n{digest}".encode()).hexdigest()
            assert event.chain == chain

    # Inside

    async def _states(self, name: str) -> dict[tuple[str, str | None], str]:
        memory = await self._house().memory(name)
        end, now = earliest_end(memory.files), self._pypi.now()
        is_gone = any(file.disappeared_at is not None for file in memory.files)
        if (end is not None and end <= now) or is_gone:
            # The clock's turn may not have come yet; whoever asks for the page or the file has them judged before.
            # Of what disappeared the journal decides in the end, and that is looked at every hour.
            async with self._house().catalog.reading() as conn:
                around = await circumstances.read(conn)
            memory = judged(memory, rules=self._house().rules, now=now, around=around)
        states: dict[tuple[str, str | None], str] = {}
        for file in sorted(memory.files, key=lambda file: file.incarnation):
            state = f"{file.state} {file.cause}" if file.cause else str(file.state)
            if state == "lost":
                assert self._pypi.faults.is_forgotten(file.filename)
                state = "held rescue"
            states[file.filename, file.sha256] = state
        return states

    async def _events(self) -> list[tuple[str, str, str | None, dict[str, object]]]:
        events = await self._house().events()
        assert [event.cursor.number for event in events] == list(range(1, len(events) + 1))
        return [(e.kind, e.project or "", e.version, json.loads(e.payload or b"{}")) for e in events]

    def _told(self, kind: str, project: str, version: str | None, payload: dict[str, object]) -> Told:
        files, serial = payload["files"], payload["serial"]
        compared = None
        if kind in COMPARED and isinstance(files, list):
            lost = {"lost": "held"}
            compared = tuple(sorted((file["filename"], lost.get(file["state"], file["state"])) for file in files))
        assert serial is None or isinstance(serial, int)
        return Told(kind, project, version, serial, compared)

    async def _absences_told(self, name: str) -> list[ToldAbsence]:
        told = []
        for event in await self._house().events():
            if event.project == name:
                payload = json.loads(event.payload or b"{}")
                at, supersedes = datetime.fromisoformat(payload["observed_at"]), payload["supersedes"]
                told.append(ToldAbsence(event.kind, event.id, at, tuple(_keys(payload["files"] or [])), supersedes))
        return told

    async def _advice_told(self, name: str) -> list[ToldAdvice]:
        events = [(kind, payload) for kind, project, _, payload in await self._events() if project == name]
        return advice_told((kind, _texts(one["advisories"]), _keys(one["files"] or [])) for kind, one in events)

    async def _yanks_told(self, name: str) -> list[ToldYank]:
        found = []
        for kind, project, version, payload in await self._events():
            if project == name and kind in TOLD_LATE:
                serial, files, reason = payload["serial"], payload["files"] or [], payload["yanked_reason"]
                assert serial is None or isinstance(serial, int)
                assert reason is None or isinstance(reason, str)
                assert isinstance(files, list)
                keys = tuple((file["filename"], file["sha256"]) for file in files)
                found.append(ToldYank(kind, version, serial, keys, reason))
        return found


def _texts(values: object) -> list[str]:
    assert isinstance(values, list)
    return [str(value) for value in values]


def _keys(files: object) -> list[tuple[str, str]]:
    assert isinstance(files, list)
    return [(file["filename"], file["sha256"]) for file in files]


def _comparable(page: dict[str, bool | str], story: Story) -> dict[str, bool | str]:
    displaced = story.displaced()
    # Whether it is withheld by now is looked at every hour.
    vanished = {r.entry.filename for r in story.records.values() if r.vanished and story.state(r) == "held unexplained"}
    return {
        file: bool(yanked) if file in displaced else yanked for file, yanked in page.items() if file not in vanished
    }


def assert_nothing_was_overlooked(story: Story, pypi: PyPISim) -> None:
    """All that upstream lists now is known, yanked where it is yanked there, and quarantined where it is there."""
    living = pypi.projects.get(story.name)
    if not story.known or living is None or living.last_serial < story.believed:
        return
    assert story.is_quarantined() == (living.status == "quarantined")
    for file in living.visible_files():
        record = story.records[file.filename, file.sha256]
        assert story.departure(record) is None
    for release in living.releases.values():
        for file in release.files.values():
            found = story.records.get((file.filename, file.sha256))
            if found is not None and not release.quarantined and living.status != "quarantined":
                assert (found.entry.yanked is not None) == release.yanked


def same(found: object, expected: object, what: str) -> None:
    """Both are, or the failure shows both."""
    assert found == expected, f"{what}:\n  everpin {found}\n  model   {expected}"
