"""Project pages, rendered once and kept ready.

A page is served from memory without a statement to PostgreSQL and without a request to upstream as long as two things
hold: no notice said that it changed, and something vouches that upstream has no newer one. That something is the
journal while its heartbeats arrive (then a page is trusted for `max_trust`, unless a row said that there is a newer
one), and otherwise the page's own age (`stale_after`). Fails closed: when notices may have been missed, everything held
is looked up again, and as long as none can come, the catalog is asked before anything is served from memory.
"""

import asyncio
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

import structlog

from mirror import metrics
from mirror.catalog import files, projects
from mirror.catalog.database import Catalog
from mirror.catalog.notices import BacklogGrew, JournalRead, Notice, NoticesLost, PagesChanged
from mirror.errors import EverpinError, NotThereError, UpstreamUnavailableError
from mirror.index.merge import Offer, offered
from mirror.index.negotiate import ContentType
from mirror.index.render import Rendered, render_html, render_json, rendered
from mirror.model import Memory, ProjectFacts
from mirror.names import ProjectName, Serial
from mirror.refresh import Refreshed, Refresher
from mirror.settings import Settings
from mirror.web.file_memory import share_of
from mirror.web.held import Held, HeldPages
from mirror.web.prebuilt import Ready, ready

log = structlog.get_logger()

_FIRST_PAGE_SECONDS = 10.0
"""How long a client waits for a page nobody has seen; pip itself gives up after 15."""
_NEWER_PAGE_SECONDS = 2.0
"""How long a client waits for a newer page when there is one to fall back on."""
_ASK_AGAIN_SECONDS = 10.0
"""After upstream failed, it is not asked for the same page again for so long."""
_ABSENT_SECONDS = 10.0
"""For so long upstream's answer that there is no such project is believed."""
_MOST_ABSENT = 10_000
# Rendering takes about 10 µs a file: beyond this a thread does it, so that nobody else waits for the loop.
_FILES_RENDERED_IN_THE_LOOP = 300


@dataclass(frozen=True, slots=True)
class Page:
    """A page as it is served. `stale_seconds` is its age where upstream could not confirm it in time, else None."""

    rendered: Rendered
    serial: Serial | None
    stale_seconds: int | None


@dataclass(frozen=True, slots=True)
class Offered:
    """What a page says, and `stale_seconds` as of a page."""

    project: ProjectFacts
    offer: Offer
    stale_seconds: int | None


class Pages:
    """The pages of one process. `heard` must be given every notice."""

    def __init__(
        self, *, catalog: Catalog, refresher: Refresher, settings: Settings, now: Callable[[], datetime]
    ) -> None:
        self._catalog = catalog
        self._refresher = refresher
        self._now = now
        self._stale_after = settings.mirror.stale_after
        self._longest_trust = max(settings.mirror.max_trust, settings.mirror.stale_after)
        self._patience = settings.watcher.patience
        self._departed_as_was = settings.safety.departed_projects == "as_was"
        self._held = HeldPages(settings.mirror.memory - share_of(settings.mirror.memory))
        self._loading: dict[ProjectName, asyncio.Task[Held | None]] = {}
        self._absent: OrderedDict[ProjectName, float] = OrderedDict()
        self._vouched_at: datetime | None = None
        self.is_hearing = False
        self._ask_again = 0.0

    def heard(self, notice: Notice) -> None:
        """Takes notice of what other processes, or this one, did."""
        match notice:
            case PagesChanged(changed):
                for project in changed:
                    self._forget(project)
            case JournalRead(_, at):
                self._vouched_at = at
            case NoticesLost(hearing):
                self.is_hearing = hearing
                self._vouched_at = None
                self._loading.clear()
                self._absent.clear()
                self._held.clear()
            case BacklogGrew():
                pass

    def ready(self, project: str, content_type: ContentType, origin: Callable[[], str] | None = None) -> Ready | None:
        """The project's page if it is in memory in that form, current and fresh; then there is nothing to wait for.

        `project` may be any string: only normalised names are ever found. `origin` gives what `get` is given.
        """
        held = self._held.find(ProjectName(project))
        if held is None or not self.is_hearing:
            return None
        now = self._now()
        if _is_over(held, now) or not self._is_fresh(held, now):
            return None
        self._held.used(ProjectName(project))
        return held.rendering_of(content_type, origin() if origin is not None and held.offer.needs_origin else None)

    async def get(self, project: ProjectName, content_type: ContentType, origin: str | None = None) -> Page:
        """The project's page. Raises NotThereError, or UpstreamUnavailableError where nobody can say.

        `origin` is the scheme, host and prefix that absolute links begin with, where the page has such links; without
        an origin they are left out.
        """
        held, stale = await self._found(project)
        rendering = await self._render(project, held, content_type, origin if held.offer.needs_origin else None)
        return Page(rendering.rendered, held.offer.serial, stale)

    async def offer(self, project: ProjectName) -> Offered:
        """What the project's page says, not rendered; just as fresh, and raising the same."""
        held, stale = await self._found(project)
        return Offered(held.project, held.offer, stale)

    async def _found(self, project: ProjectName) -> tuple[Held, int | None]:
        """The page, and its age in seconds where upstream could not confirm it in time."""
        if project in self._refresher.index.private:
            # Also where it is known from before: what upstream offered under a private name is offered to nobody.
            raise NotThereError(f"{project} is private to this mirror, and nothing of that name comes from upstream")
        now = self._now()
        held = self._held.find(project)
        if held is not None and _is_over(held, now):
            held = None
        if held is not None and not self.is_hearing and not await self._is_current(project, held):
            held = None
        if held is None:
            held = await self._load(project)
        if held is None:
            held = await self._first(project)
        elif not self._is_fresh(held, now):
            held = await self._newer(project, held)
        self._held.used(project)
        stale = None if self._is_fresh(held, self._now()) else int((self._now() - held.observed_at).total_seconds())
        if stale is not None:
            metrics.stale_pages.inc()
        return held, stale

    @property
    def held_bytes(self) -> int:
        """What the pages in memory take, and what has its place beside them."""
        return self._held.bytes

    def leave_room(self, beside: int) -> None:
        """Has the pages leave so many bytes of `mirror.memory` to something else."""
        self._held.leave_room(beside)

    def is_vouched_for(self, now: datetime | None = None) -> bool:
        """Whether the journal's heartbeats arrive."""
        return self._vouched_at is not None and (now or self._now()) - self._vouched_at < self._patience

    async def _is_current(self, project: ProjectName, held: Held) -> bool:
        """Asks the catalog itself whether what is held is still what it says, since nobody would have told."""
        async with self._catalog.reading() as conn:
            return await projects.revision(conn, project) == held.project.revision

    def _is_fresh(self, held: Held, now: datetime) -> bool:
        if held.project.wanted_serial is not None:
            return False
        trust = self._longest_trust if self.is_vouched_for(now) else self._stale_after
        return now - held.observed_at < trust

    async def _first(self, project: ProjectName) -> Held:
        """Asks upstream for a page that nobody has seen yet."""
        asked = self._absent.get(project)
        if asked is not None and time.monotonic() - asked < _ABSENT_SECONDS:
            raise NotThereError(f"the index has no project {project}")
        try:
            outcome = await asyncio.wait_for(self._refresher.refresh(project), _FIRST_PAGE_SECONDS)
        except TimeoutError as e:
            raise UpstreamUnavailableError(f"upstream did not answer for {project} in time") from e
        # A load that somebody began before the page was there is joined, and then says that there is none.
        held = None if outcome is Refreshed.ABSENT else await self._load(project) or await self._load(project)
        if held is None:
            self._note_absent(project)
            raise NotThereError(f"the index has no project {project}")
        return held

    async def _newer(self, project: ProjectName, held: Held) -> Held:
        """Asks upstream for a newer page, but not for long: the one we have is served when upstream is slow or down."""
        if time.monotonic() < max(held.ask_again, self._ask_again):
            return held
        try:
            outcome = await asyncio.wait_for(self._refresher.refresh(project), _NEWER_PAGE_SECONDS)
        except (EverpinError, TimeoutError) as e:
            held.ask_again = time.monotonic() + _ASK_AGAIN_SECONDS
            if isinstance(e, TimeoutError):
                # Who installs fifty packages must not wait for each of them while upstream hangs.
                self._ask_again = held.ask_again
            log.info("pages.served_stale", project=project, error=str(e) or "no answer in time")
            return held
        newer = held
        if outcome is Refreshed.SAME:
            held.observed_at = self._now()
        else:
            # Of all who waited for this refresh the first one drops the page and the others share its look.
            if self._held.find(project) is held:
                self._forget(project)
            newer = await self._load(project) or held
        if not self._is_fresh(newer, self._now()):
            newer.ask_again = time.monotonic() + _ASK_AGAIN_SECONDS
        return newer

    async def _load(self, project: ProjectName) -> Held | None:
        """The page as the catalog knows it, read once however many ask. None for an unknown project."""
        task = self._loading.get(project)
        if task is None:
            task = asyncio.create_task(self._read(project), name=f"load {project}")
            self._loading[project] = task
            task.add_done_callback(lambda done: self._loaded(project, done))
        return await asyncio.shield(task)

    async def _read(self, project: ProjectName) -> Held | None:
        memory = await self._remembered(project)
        if memory is not None and await self._refresher.judge_if_due(project, memory.files):
            memory = await self._remembered(project)
        if memory is None:
            return None
        facts = memory.project
        return Held(
            facts, offered(memory, departed_as_was=self._departed_as_was), facts.observed_at or facts.known_since
        )

    async def _remembered(self, project: ProjectName) -> Memory | None:
        async with self._catalog.reading() as conn:
            facts = await projects.find(conn, project)
            return Memory(facts, await files.of_project(conn, facts)) if facts is not None else None

    def _loaded(self, project: ProjectName, task: "asyncio.Task[Held | None]") -> None:
        # Looked at in any case: when all who waited have gone, the loop would tell of a failure that nobody handled.
        has_failed = task.cancelled() or task.exception() is not None
        # A notice that came while the catalog was read took the task out: its result may be older than the notice.
        if self._loading.get(project) is not task:
            return
        del self._loading[project]
        if has_failed:
            return
        if (held := task.result()) is not None:
            self._forget(project)
            self._held.put(project, held)

    async def _render(self, project: ProjectName, held: Held, content_type: ContentType, origin: str | None) -> Ready:
        if (found := held.rendering_of(content_type, origin)) is not None:
            return found
        async with held.rendering:
            if (found := held.rendering_of(content_type, origin)) is not None:
                return found
            render = render_json if content_type.is_json else render_html

            def work() -> Ready:
                body = render(held.offer, held.project, origin)
                return ready(rendered(body, content_type.header), held.offer.serial)

            is_large = len(held.offer.entries) > _FILES_RENDERED_IN_THE_LOOP
            made = await asyncio.to_thread(work) if is_large else work()
            self._held.keep(project, held, made, content_type, origin)
            return made

    def _forget(self, project: ProjectName) -> None:
        self._loading.pop(project, None)
        self._absent.pop(project, None)
        self._held.drop(project)

    def _note_absent(self, project: ProjectName) -> None:
        self._absent[project] = time.monotonic()
        self._absent.move_to_end(project)
        while len(self._absent) > _MOST_ABSENT:
            self._absent.popitem(last=False)


def _is_over(held: Held, now: datetime) -> bool:
    """Whether the clock alone has changed what the page offers."""
    return held.offer.valid_until is not None and held.offer.valid_until <= now
