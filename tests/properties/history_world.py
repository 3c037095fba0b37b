"""A world in which histories happen: a simulated index, a whole everpin in front of it, and the model beside them.

After every step all that everpin knows and told is compared with the model, which was shown the same rows and pages in
the same order. What upstream showed is taken down where it leaves the simulator, not where everpin reads it.
"""

import asyncio
import gzip
import hashlib
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Hashable
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

from packaging.utils import canonicalize_name, parse_sdist_filename, parse_wheel_filename

from mirror import observe
from mirror.catalog import journal, pending, projects
from mirror.catalog.database import Catalog, Connection
from mirror.errors import UpstreamUnavailableError
from mirror.model import Sha256
from mirror.refresh import Refresher
from mirror.states import earliest_end, judged
from mirror.store.keys import StoreKey
from mirror.supply import Supply
from tests.properties.history_acts import SPANS, Step, Upstream
from tests.properties.history_model import Entry, HistoryModel, Row, Shown, Story, Told
from tests.pypi_sim import File, PyPISim
from tests.pypi_sim.answers import Answer
from tests.pypi_sim.cdn import Delivery
from tests.watcher.houses import House, house_of
from watcher.poll import NotTheLeaderError, poll

_START = datetime(2026, 8, 10, 12, 0, tzinfo=UTC)
_PATIENCE_SECONDS = 20.0
_LONGEST_CALM = 120
_LOOKS = 100
_SMALL_PAGE = 2
_WITHHELD = ("held stranger", "held replaced", "held quarantine", "held young", "blocked quarantine")
COMPARED = ("file.deleted", "release.deleted", "project.deleted", "restored", "file.replaced")
TOLD_LATE = ("release.yanked", "release.unyanked")


class CrashError(Exception):
    """Everpin dies here."""


class CrashingCatalog(Catalog):
    """Fails in one of its transactions: just before the commit, or just after it."""

    def __init__(self, catalog: Catalog, *, transaction: int, before_commit: bool) -> None:
        super().__init__(catalog._pool, catalog.url)
        self._left = transaction
        self._before_commit = before_commit

    @asynccontextmanager
    async def writing(self) -> AsyncIterator[Connection]:
        self._left -= 1
        async with super().writing() as conn:
            yield conn
            if self._left == 0 and self._before_commit:
                raise CrashError
        if self._left == 0:
            raise CrashError


class World:
    """One history as it happens. Enter it, take steps, and at last `end`."""

    def __init__(self, catalog: Catalog, data_dir: Path) -> None:
        self.pypi = PyPISim()
        self.pypi.clock.freeze(_START)
        self.pypi.rate_limit.calls = 10**9
        self.upstream = Upstream(self.pypi)
        self.model = HistoryModel(self.pypi.now)
        self._catalog = catalog
        self._data_dir = data_dir
        self._house: House | None = None
        self._stack = AsyncExitStack()
        self._life = AsyncExitStack()
        self._cursor = 0
        self._answers: list[Shown] = []
        self._fetch = self.pypi.cdn.fetch

    async def __aenter__(self) -> "World":
        await self._stack.enter_async_context(self.pypi)
        self.pypi.cdn.fetch = self._overheard  # type: ignore[method-assign]  # it takes down what is answered
        await _emptied(self._catalog)
        await self._open()
        await self.house.poll()
        return self

    async def __aexit__(self, *exit_: object) -> None:
        await self._life.aclose()
        await self._stack.aclose()

    @property
    def house(self) -> House:
        assert self._house is not None
        return self._house

    async def take(self, step: Step) -> None:
        """Lets the step happen and compares."""
        self.pypi.advance(timedelta(seconds=1))
        own = getattr(self, f"_{step.verb}", None)
        if own is None:
            self.upstream.act(step)  # of which everpin hears only when it asks
            return
        await own(step)
        await self._settle()
        await self._compare()

    async def end(self) -> None:
        """Mends everything, waits until everpin has nothing left to do, and compares what everybody can see."""
        self.upstream.mend()
        for _ in range(_LONGEST_CALM):
            self.pypi.advance(timedelta(minutes=31))
            await self._watch()
            await self._settle()
            if await self._is_calm():
                break
        else:
            raise AssertionError("everpin never has done everything")
        self._assert_wanted_pages_came()
        for name, story in self.model.stories.items():
            if story.known:
                with suppress(UpstreamUnavailableError):
                    await self.house.refresher.refresh(canonicalize_name(name))
        await self._settle()
        await self._watch()
        await self._settle()
        await self._compare()
        assert self._cursor == self.pypi.last_serial
        for name, story in self.model.stories.items():
            assert_nothing_was_overlooked(story, self.pypi)
            await self._assert_page(name, story)
        await self._assert_rescues()
        await self._assert_chain()

    # Everpin's steps

    async def _poll(self, _step: Step | None = None) -> None:
        await self._polled(self.house.poll, page_size=1000)

    async def _poll_in_small_pages(self, _step: Step | None = None) -> None:
        await self._polled(lambda: self._poll_by(self._catalog), page_size=_SMALL_PAGE)

    async def _poll_twice_at_once(self, _step: Step | None = None) -> None:
        async def both() -> None:
            outcomes = await asyncio.gather(self.house.poll(), self.house.poll(), return_exceptions=True)
            for outcome in outcomes:
                if isinstance(outcome, BaseException) and not isinstance(outcome, NotTheLeaderError):
                    raise outcome

        await self._polled(both, page_size=1000)

    async def _crash_in_poll(self, step: Step) -> None:
        catalog = CrashingCatalog(self._catalog, transaction=1 + step.this // 2, before_commit=step.this % 2 == 0)
        await self._polled(lambda: self._poll_by(catalog), page_size=_SMALL_PAGE)

    async def _poll_by(self, catalog: Catalog) -> None:
        house = self.house
        await poll(catalog, house.client, rules=house.rules, now=self.pypi.now, page_size=_SMALL_PAGE)

    async def _polled(self, act: Callable[[], Awaitable[None]], *, page_size: int) -> None:
        await self._clock()
        self.pypi.journal_page_size = page_size
        with suppress(UpstreamUnavailableError, CrashError, NotTheLeaderError):
            await act()
        async with self._catalog.reading() as conn:
            position = await journal.position(conn)
        assert position is not None
        new = [row for row in self.pypi.rows_since(self._cursor) if row.serial <= position.serial]
        rows = [Row(row.serial, canonicalize_name(row.name), row.version, row.action, row.timestamp) for row in new]
        for start in range(0, len(rows), page_size):
            self.model.read(rows[start : start + page_size], self.pypi.now())
        self._cursor = position.serial

    async def _clock(self) -> None:
        """What the watcher does every few seconds."""
        now = self.pypi.now()
        async with self._catalog.reading() as conn:
            names = {*await pending.due(conn, now=now), *await projects.with_passing_states(conn, now=now)}
        async with self._catalog.writing() as conn:
            await observe.clock(conn, names, rules=self.house.rules, now=now)
        self.model.tick(now)

    async def _refresh(self, _step: Step | None = None) -> None:
        await self.house.refresh()

    async def _crash_in_refresh(self, step: Step) -> None:
        before_commit = step.this % 2 == 0
        catalog = CrashingCatalog(self._catalog, transaction=1, before_commit=before_commit)
        refresher = self.house.refresher
        own = Refresher(catalog, refresher._index, refresher._index_url, refresher._rules, self.pypi.now)
        with suppress(UpstreamUnavailableError, CrashError):
            await own.refresh(canonicalize_name(step.name))
        if before_commit:
            self._answers.clear()

    async def _keep(self, _step: Step | None = None) -> None:
        await self.house.keeper.work_off()

    async def _watch(self, _step: Step | None = None) -> None:
        await self._poll()
        await self._refresh()
        await self._settle()
        await self._keep()

    async def _page(self, step: Step) -> None:
        name = step.name
        async with self.house.http.get(f"/simple/{name}/", headers=_JSON) as answer:
            assert answer.status in (200, 404, 503)
        await self._settle()
        await self._assert_page(name, self.model.story(name))

    async def _file(self, step: Step) -> None:
        if file := self._some_file(step):
            status, body = await self.house.get(file.path)
            await self._settle()
            self._assert_file(file, status, body)

    async def _metadata(self, step: Step) -> None:
        if file := self._some_file(step):
            status, body = await self.house.get(f"{file.path}.metadata")
            await self._settle()
            self._assert_file(file, status, body, metadata=True)

    async def _advance(self, step: Step) -> None:
        self.pypi.advance(SPANS[step.this % len(SPANS)])
        await self._clock()

    async def _restart(self, _step: Step | None = None) -> None:
        await self._life.aclose()
        await self._open()

    # Inside

    async def _open(self) -> None:
        self._life = AsyncExitStack()
        self._house = await self._life.enter_async_context(house_of(self.pypi, self._catalog, self._data_dir))

    def _some_file(self, step: Step) -> File | None:
        theirs = [file for file in self.upstream.uploads if file.project == step.name]
        return theirs[step.this % len(theirs)] if theirs else None

    def _overheard(self, key: Hashable, render: Callable[[], Answer], *, origin_up: bool = True) -> Delivery:
        delivery = self._fetch(key, render, origin_up=origin_up)
        answer = delivery.answer
        path = str(key[0]) if isinstance(key, tuple) else ""
        name = path.removeprefix("/simple/").strip("/")
        if path.startswith("/simple/") and name and answer.status == 200:
            page = shown(name, answer)
            if page is not None:
                self._answers.append(page)
        return delivery

    async def _settle(self) -> None:
        """Waits until everpin has finished what it began, and shows the model what it was shown."""
        refresher, supply = self.house.refresher, self.house.supply
        async with asyncio.timeout(_PATIENCE_SECONDS):
            while refresher._running or supply._keeper._tasks:  # noqa: ASYNC110 - what is waited for tells nobody
                await asyncio.sleep(0.002)
        for page in self._answers:
            self.model.see(page)
        self._answers.clear()
        await self._look_into_store(supply)

    async def _look_into_store(self, supply: Supply) -> None:
        for file in self.upstream.uploads:
            if (
                file.sha256 not in self.model.stored
                and await supply.store.size(StoreKey(Sha256(file.sha256))) is not None
            ):
                self.model.stored.add(file.sha256)

    async def _compare(self) -> None:
        for name, story in self.model.stories.items():
            if story.known:
                same(await self._states(name), story.states(), f"states of {name}")
        told = [self._told(*event) for event in await self._events()]
        acts = [event for event in told if event.kind not in (*TOLD_LATE, "rescued")]
        for name in self.model.stories:
            # Pages of several projects may be asked for at once; the journal puts the rest in order.
            expected = [event for event in self.model.told if event.project == name]
            same([event for event in acts if event.project == name], expected, f"events of {name}")
        serials = [event.serial for event in acts if event.serial is not None]
        assert serials == sorted(set(serials))
        self._assert_yanks([event for event in told if event.kind in TOLD_LATE])

    async def _states(self, name: str) -> dict[tuple[str, str | None], str]:
        memory = await self.house.memory(name)
        end, now = earliest_end(memory.files), self.pypi.now()
        if end is not None and end <= now:
            # The clock's turn has not come yet; whoever asks for the page or the file has them judged before.
            memory = judged(memory, rules=self.house.rules, now=now)
        states: dict[tuple[str, str | None], str] = {}
        for file in sorted(memory.files, key=lambda file: file.incarnation):
            state = f"{file.state} {file.cause}" if file.cause else str(file.state)
            if state == "lost":
                assert self.pypi.faults.is_forgotten(file.filename)
                state = "held rescue"
            states[file.filename, file.sha256] = state
        return states

    async def _events(self) -> list[tuple[str, str, str | None, dict[str, object]]]:
        events = await self.house.events()
        assert [event.cursor.number for event in events] == list(range(1, len(events) + 1))
        return [(e.kind, e.project, e.version, json.loads(e.payload or b"{}")) for e in events]

    def _told(self, kind: str, project: str, version: str | None, payload: dict[str, object]) -> Told:
        files, serial = payload["files"], payload["serial"]
        compared = None
        if kind in COMPARED and isinstance(files, list):
            lost = {"lost": "held"}
            compared = tuple(sorted((file["filename"], lost.get(file["state"], file["state"])) for file in files))
        assert serial is None or isinstance(serial, int)
        return Told(kind, project, version, serial, compared)

    def _assert_yanks(self, told: list[Told]) -> None:
        """Each at most once, and what had to be told by now; a yank waits for its page, which is no later than 60 s."""
        yanks = [event.serial for event in told if event.kind == "release.yanked"]
        unyanks = [event.serial for event in told if event.kind == "release.unyanked"]
        stories = self.model.stories.values()
        assert len(set(yanks)) == len(yanks)
        assert set(yanks) <= {serial for story in stories for serial in story.yanks}
        same(sorted(unyanks, key=lambda s: s or 0), sorted(s for t in stories for s in t.told_unyanks), "unyanks")

    async def _assert_page(self, name: str, story: Story) -> None:
        if not story.known:
            return
        # Who serves pages hears of a change at once, but not before the transaction ends that made it.
        for _ in range(_LOOKS):
            page = await self.house.listed(name)
            await self._settle()
            listed, expected = _comparable(page, story), _comparable(story.page(), story)
            if listed == expected:
                return
            await asyncio.sleep(0.02)
        same(listed, expected, f"page of {name}")

    def _assert_file(self, file: File, status: int, body: bytes, *, metadata: bool = False) -> None:
        content = file.metadata if metadata else file.content
        if status == 200:
            assert body == content
        record = self.model.story(file.project).records.get((file.filename, file.sha256))
        if record is None:
            assert status in (404, 503)
            return
        state = self.model.story(file.project).state(record)
        if state in _WITHHELD:
            assert status == 403
        elif not metadata and state in ("live", "yanked", "kept") and file.sha256 in self.model.stored:
            assert status == 200
        else:
            assert status in (200, 404, 502, 503)

    async def _is_calm(self) -> bool:
        async with self._catalog.reading() as conn:
            return not (
                # For what counts as lost it goes on asking for a month.
                await conn.fetchval("select count(*) from backlog join files on file = id where lost_at is null")
                or await conn.fetchval("select count(*) from projects where refresh_at is not null")
                or await conn.fetchval("select count(*) from pending_yanks")
            )

    def _assert_wanted_pages_came(self) -> None:
        """For every row that changes a page, a page as new was seen, if there is one."""
        for name, story in self.model.stories.items():
            living = self.pypi.projects.get(name)
            rows = [
                row.serial for row in story.rows if row.action.startswith(("add py3", "add source", "yank", "unyank"))
            ]
            if story.known and living is not None and rows and living.last_serial >= max(rows):
                assert story.believed >= max(rows), name

    async def _assert_rescues(self) -> None:
        """What departed is here, unless it may be malware or upstream's storage had forgotten it."""
        for story in self.model.stories.values():
            for record in story.records.values():
                if story.state(record) == "held rescue":
                    assert self.pypi.faults.is_forgotten(record.entry.filename)
        rescued = [event for event in await self._events() if event[0] == "rescued"]
        for kind, _, _, payload in rescued:
            assert kind == "rescued"
            files = payload["files"]
            assert isinstance(files, list)
            assert {file["sha256"] for file in files} <= self.model.stored

    async def _assert_chain(self) -> None:
        chain, events = "", await self.house.events()
        for event in events:
            digest = hashlib.sha256(event.payload or b"").hexdigest()
            chain = hashlib.sha256(f"{chain}\n{event.id}\n{digest}".encode()).hexdigest()
            assert event.chain == chain
        told = [self._told(*event) for event in await self._events()]
        yanks = {event.serial for event in told if event.kind == "release.yanked"}
        must = {serial for story in self.model.stories.values() for serial, must in story.yanks.items() if must}
        assert must <= yanks


def _comparable(page: dict[str, bool | str], story: Story) -> dict[str, bool | str]:
    displaced = story.displaced()
    return {file: bool(yanked) if file in displaced else yanked for file, yanked in page.items()}


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
    assert found == expected, f"{what}:\n  everpin {found}\n  model   {expected}"


_JSON = {"Accept": "application/vnd.pypi.simple.v1+json"}


async def _emptied(catalog: Catalog) -> None:
    """A catalog as it was after its migrations."""
    async with catalog.writing() as conn:
        await conn.execute(
            "truncate instance, journal, rows, projects, files, pending_yanks, backlog, events, event_payloads,"
            " acts, tombstones restart identity"
        )
        await conn.execute("update event_head set number = 0, chain = ''")


def shown(name: str, answer: Answer) -> Shown | None:
    body = gzip.decompress(answer.body) if answer.body.startswith(b"\x1f\x8b") else answer.body
    try:
        page = json.loads(body)
    except ValueError:
        return None
    entries = tuple(
        Entry(
            file["filename"],
            file["hashes"]["sha256"],
            _version(file["filename"]),
            datetime.fromisoformat(file["upload-time"]),
            None if file["yanked"] is False else "" if file["yanked"] is True else file["yanked"],
        )
        for file in page["files"]
    )
    return Shown(name, page["meta"]["_last-serial"], page["project-status"]["status"], entries)


def _version(filename: str) -> str:
    if filename.endswith(".whl"):
        return str(parse_wheel_filename(filename)[1])
    return str(parse_sdist_filename(filename)[1])
