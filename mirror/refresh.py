"""One project's page, asked of upstream and observed: one request however many want it.

The queue of wanted pages is patient: an index behind a CDN goes on answering with an old page for a while, sometimes
for a day. How long to wait for the next try is decided here, purely; who waits is the caller's business.
"""

import asyncio
from collections import Counter
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from enum import Enum

import structlog

from mirror import metrics, observe
from mirror.catalog import instance, projects
from mirror.catalog.claims import Claim, Claims
from mirror.catalog.database import Catalog
from mirror.errors import (
    BusyElsewhereError,
    CatalogUnavailableError,
    EverpinError,
    NotThereError,
    UpstreamUnavailableError,
)
from mirror.model import FileFacts, ProjectFacts, ProjectPage
from mirror.names import ProjectName
from mirror.seams import reached
from mirror.states import Rules, earliest_end
from mirror.upstream.hosts import freeze
from mirror.upstream.index import Index, NotModified

log = structlog.get_logger()

LONGEST_LOOK = timedelta(seconds=5)
"""A page that takes longer goes on, but whoever only looks after pages does not wait for it."""

_LONGEST_WAIT_FOR_OTHERS_SECONDS = 8.0
_LOOK_AGAIN_SECONDS = 0.05
_LONGEST_QUICK_WAIT = 60.0
_QUICK_TRIES_SECONDS = 600.0
_SLOW_WAIT = timedelta(minutes=30)
_PATIENCE = timedelta(hours=25)


class Refreshed(Enum):
    """What asking upstream brought."""

    NEW = "new"
    SAME = "same"
    STALE = "stale"
    ABSENT = "absent"


class Refresher:
    """Asks for pages and observes them. Those who ask for the same project meanwhile share one request.

    Also those in other processes, as far as `claims` are shared with them.
    """

    def __init__(
        self,
        catalog: Catalog,
        index: Index,
        index_url: str,
        rules: Rules,
        now: Callable[[], datetime],
        *,
        claims: Claims | None = None,
    ) -> None:
        self._catalog = catalog
        self._index = index
        self._index_url = index_url
        self._rules = rules
        self._now = now
        self._claims = claims or Claims()
        self._running: dict[ProjectName, asyncio.Task[Refreshed]] = {}
        self._waiting: Counter[ProjectName] = Counter()

    @property
    def index(self) -> Index:
        """The index that is asked. Whoever refreshes what no client waits for takes one of its turns before."""
        return self._index

    async def refresh(self, project: ProjectName) -> Refreshed:
        """Joins the running refresh of this project or starts one. It goes on when nobody waits any more.

        Raises UpstreamUnavailableError (for a private name PrivateNameError) or CatalogUnavailableError.
        """
        task = self._running.get(project)
        if task is None:
            task = asyncio.create_task(self._refresh(project), name=f"refresh {project}")
            self._running[project] = task
            task.add_done_callback(lambda done: self._ended(project, done))
        self._waiting[project] += 1
        try:
            return await asyncio.shield(task)
        finally:
            self._waiting[project] -= 1
            self._waiting += Counter()  # forgets those for whom nobody waits

    async def look(self, project: ProjectName) -> Refreshed | None:
        """As `refresh`, for one who has other pages to look after. None where nothing came, or not in time."""
        try:
            return await asyncio.wait_for(self.refresh(project), LONGEST_LOOK.total_seconds())
        except (EverpinError, TimeoutError) as e:
            log.info("refresh.not_seen", project=project, error=str(e) or "no answer in time")
            return None

    async def judge_if_due(self, project: ProjectName, files: Iterable[FileFacts]) -> bool:
        """Judges the project anew if the clock has ended the state of one of these files, and says whether it did.

        A watcher sees to that every few seconds, but not everybody has one. Where the catalog cannot be written to,
        what was held stays held.
        """
        end = earliest_end(files)
        if end is None or end > self._now():
            return False
        try:
            async with self._catalog.writing() as conn:
                await observe.clock(conn, [project], rules=self._rules, now=self._now())
        except CatalogUnavailableError as e:
            log.warning("refresh.not_judged", project=project, error=str(e))
            return False
        return True

    async def close(self) -> None:
        """Ends what is running."""
        running = list(self._running.values())
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)

    def _ended(self, project: ProjectName, task: asyncio.Task[Refreshed]) -> None:
        self._running.pop(project, None)
        if not task.cancelled() and (error := task.exception()) is not None and not self._waiting[project]:
            # Whoever waits is told and handles it; here nobody does any more.
            log.info("refresh.failed", project=project, error=str(error))

    async def _refresh(self, project: ProjectName) -> Refreshed:
        try:
            return await self._ask_and_observe(project)
        except EverpinError:
            raise
        except Exception as e:
            # A defect that one hostile page brings out must not cost anybody the page that we have.
            log.exception("refresh.crashed", project=project)
            raise UpstreamUnavailableError(f"the page of {project} could not be taken in") from e

    async def _ask_and_observe(self, project: ProjectName) -> Refreshed:
        self._index.private.refuse(project)
        async with self._catalog.reading() as conn:
            known = await projects.find(conn, project)
        claim, seen = await self._turn(project, known)
        try:
            return seen or await self._ask(project, known)
        finally:
            await claim.release()

    async def _turn(self, project: ProjectName, known: ProjectFacts | None) -> tuple[Claim, Refreshed | None]:
        """The claim on the page; and what another process brought, if that has observed it meanwhile."""
        name = f"page {project}"
        claim = await self._claims.try_claim(name)
        if claim is not None:
            return claim, None
        ends = asyncio.get_running_loop().time() + _LONGEST_WAIT_FOR_OTHERS_SECONDS
        while (claim := await self._claims.try_claim(name)) is None:
            if asyncio.get_running_loop().time() > ends:
                raise BusyElsewhereError(f"another process of this mirror is still asking for the page of {project}")
            await asyncio.sleep(_LOOK_AGAIN_SECONDS)
        try:
            return claim, await self._brought(project, known)
        except BaseException:
            await claim.release()
            raise

    async def _brought(self, project: ProjectName, known: ProjectFacts | None) -> Refreshed | None:
        async with self._catalog.reading() as conn:
            now = await projects.find(conn, project)
        if now is None or (known is not None and now.observed_at == known.observed_at):
            return None
        return Refreshed.SAME if known is not None and now.revision == known.revision else Refreshed.NEW

    async def _ask(self, project: ProjectName, known: ProjectFacts | None) -> Refreshed:
        etag = known.etag if known and known.closed_serial is None else None
        try:
            answer = await self._index.page(project, etag=etag)
        except NotThereError:
            metrics.upstream_requests.labels("page", "absent").inc()
            async with self._catalog.writing() as conn:
                await observe.absence(conn, project, rules=self._rules, now=self._now())
            return Refreshed.ABSENT
        except UpstreamUnavailableError:
            metrics.upstream_requests.labels("page", "failed").inc()
            raise
        if isinstance(answer, NotModified):
            metrics.upstream_requests.labels("page", "same").inc()
            async with self._catalog.writing() as conn:
                await observe.unchanged(conn, project, etag=etag, serial=answer.serial, now=self._now())
            return Refreshed.SAME
        metrics.upstream_requests.labels("page", "new").inc()
        reached("refresh.fetched")
        return await self._observe(answer)

    async def _observe(self, page: ProjectPage) -> Refreshed:
        async with self._catalog.writing() as conn:
            if (await instance.read(conn)).file_hosts is None and page.files:
                await instance.freeze_file_hosts(conn, freeze(self._index_url, page))
            believed = await observe.page(conn, page, rules=self._rules, now=self._now())
        reached("refresh.applied")
        return Refreshed.NEW if believed else Refreshed.STALE


def next_try(attempts: int) -> timedelta | None:
    """How long to wait after so many tries that brought an older page; None when it is time to give up.

    First 1, 2, 4 … 60 s for ten minutes, since most old pages are gone at the second look; then every half hour for a
    day, since a purge can be lost and a CDN then keeps its copy for as long.
    """
    waited, tries = 0.0, 0
    while tries < attempts and waited < _QUICK_TRIES_SECONDS:
        waited += min(2.0**tries, _LONGEST_QUICK_WAIT)
        tries += 1
    if waited < _QUICK_TRIES_SECONDS:
        return timedelta(seconds=min(2.0**tries, _LONGEST_QUICK_WAIT))
    slow_tries = attempts - tries
    return _SLOW_WAIT if slow_tries * _SLOW_WAIT < _PATIENCE else None
