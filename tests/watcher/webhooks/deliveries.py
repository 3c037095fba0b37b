"""Deliveries from a catalog, with a pace that tests can wait for."""

from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, aclosing, asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from mirror import clock
from mirror.catalog import dead_letters, events, instance, webhooks
from mirror.catalog.database import Catalog
from mirror.catalog.dead_letters import DeadLetter
from mirror.catalog.leadership import Led, Term
from mirror.catalog.webhooks import Target
from mirror.event_kinds import BOOKKEEPING, EventKind
from mirror.events import EventDraft, Evidence
from mirror.names import ProjectName, Serial
from tests.subscribers import SECRET, Subscriber
from watcher.feed.filters import EventFilter, Filter
from watcher.webhooks.chosen import Chosen
from watcher.webhooks.delivery import Delivery, Post
from watcher.webhooks.dispatch import Sessions
from watcher.webhooks.egress import sending_session
from watcher.webhooks.targets import Targets

DELETIONS = EventFilter(kinds=frozenset(EventKind) - BOOKKEEPING)


def target(
    to: Subscriber, name: str = "one", *, wanted: Filter = DELETIONS, allow_private: bool = True, timeout: float = 10
) -> Chosen:
    """A target of the settings."""
    return Chosen(
        key=f"key of {name}",
        name=name,
        url=to.url,
        secrets=(SECRET,),
        wanted=wanted,
        form="cloudevents",
        timeout=timedelta(seconds=timeout),
        allow_private=allow_private,
    )


@dataclass
class Office:
    """A catalog, and a delivery from it for each time that somebody leads."""

    catalog: Catalog
    sessions: Sessions
    locks: dict[int, Filter] = field(default_factory=dict)
    failures: list[int] = field(default_factory=list)
    """For how many failures in a row a wait was asked for, each time."""

    def _pace(self, failures: int) -> timedelta:
        self.failures.append(failures)
        return timedelta(milliseconds=20)

    async def _lock_filter(self, lock_feed: int) -> Filter | None:
        return self.locks.get(lock_feed)

    async def leads(self) -> Led:
        """The catalog of somebody who leads from now on; whoever did before leads no longer."""
        async with self.catalog.writing() as conn:
            term = await conn.fetchval("update leadership set term = term + 1 returning term")
        return Led(self.catalog, Term(term), silence=timedelta(seconds=15))

    @asynccontextmanager
    async def delivering(self, *targets: Chosen, since: datetime | None = None) -> AsyncIterator[Delivery]:
        """Delivers to these in a term of its own, in which everything that was told is noticed once.

        `since` shifts the clock, as if it were now that time.
        """
        shift = since - clock.now() if since is not None else timedelta(0)
        post = Post(
            Targets(targets, self._lock_filter), self.sessions, "", lambda: clock.now() + shift, pace=self._pace
        )
        delivery = Delivery(post, await self.leads())
        async with aclosing(delivery):
            await delivery.tick()
            yield delivery

    async def tell(
        self, *versions: str, kind: EventKind = EventKind.RELEASE_DELETED, at: datetime | None = None
    ) -> list[str]:
        """Tells of the deletion of these versions, or of something else, and returns the ids of the events."""
        drafts = [
            EventDraft(
                kind=kind,
                project=ProjectName("demo"),
                version=version,
                serial=Serial(int(version.replace(".", ""))),
                upstream_time=at or clock.now(),
                observed_at=at or clock.now(),
                evidence=Evidence.JOURNAL,
            )
            for version in versions
        ]
        async with self.catalog.writing() as conn:
            await events.append(conn, drafts)
        return [draft.id for draft in drafts]

    async def failed_since(self, moment: datetime, chosen: Chosen) -> None:
        """Leaves the target as one that has accepted nothing since then."""
        async with self.delivering(chosen):
            pass
        async with self.catalog.writing() as conn:
            await conn.execute("update webhook_targets set failing_since = $2 where key = $1", chosen.key, moment)

    async def row(self, name: str = "one") -> Target:
        """The target of that name, as the catalog has it."""
        async with self.catalog.reading() as conn:
            (found,) = [one for one in await webhooks.targets(conn) if one.name == name]
        return found

    async def is_done_with(self, number: int, name: str = "one") -> bool:
        """Whether the catalog knows that the target is done with all events up to that one."""
        return (await self.row(name)).number >= number

    async def dead(self, name: str = "one") -> Sequence[DeadLetter]:
        """What was given up for the target of that name."""
        async with self.catalog.reading() as conn:
            return await dead_letters.of_target(conn, (await self.row(name)).id)


@asynccontextmanager
async def office_of(catalog: Catalog) -> AsyncIterator[Office]:
    """One with an empty catalog."""
    async with AsyncExitStack() as stack:
        async with catalog.writing() as conn:
            await instance.ensure(conn, "https://index.example.org/simple/", now=datetime.now(UTC))
        public = await stack.enter_async_context(sending_session(allow_private=False))
        private = await stack.enter_async_context(sending_session(allow_private=True))
        yield Office(catalog, Sessions(public, private))
