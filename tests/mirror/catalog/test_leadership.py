"""Of several who compete one leads; whoever falls silent leads no longer, and writes nothing when it wakes up."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import timedelta

import pytest

from mirror.catalog import leadership
from mirror.catalog.database import Catalog
from mirror.catalog.leadership import Led, Pace, Term, competing
from mirror.errors import CatalogUnavailableError, NotTheLeaderError
from tests.watcher.houses import eventually, until

QUICK = Pace(
    silence=timedelta(seconds=2), say_something_every=timedelta(milliseconds=200), try_every=timedelta(milliseconds=50)
)
MUTE = Pace(silence=timedelta(seconds=1), say_something_every=timedelta(hours=1), try_every=timedelta(milliseconds=50))
"""Of one who never says a word, as a paused process."""


class Candidate:
    """One who would lead, and notes when it does."""

    def __init__(self, catalog: Catalog, name: str, pace: Pace = QUICK) -> None:
        self.name = name
        self.led: Led | None = None
        self.terms: list[int] = []
        self._catalog = catalog
        self._pace = pace

    @asynccontextmanager
    async def lead(self, catalog: Led) -> AsyncIterator[None]:
        """What it does while it leads."""
        self.led = catalog
        self.terms.append(catalog.term)
        try:
            yield
        finally:
            self.led = None

    @asynccontextmanager
    async def running(self) -> AsyncIterator["Candidate"]:
        """Competes meanwhile."""
        async with competing(self._catalog, holder=self.name, lead=self.lead, pace=self._pace):
            yield self


async def current(catalog: Catalog) -> tuple[int, str]:
    """The term, and who holds it."""
    async with catalog.reading() as conn:
        record = await conn.fetchrow("select term, holder from leadership")
    assert record is not None
    return record["term"], record["holder"]


async def sessions(catalog: Catalog) -> list[int]:
    """The server's processes that hold the lock, or try to."""
    async with catalog.reading() as conn:
        return [
            record["pid"]
            for record in await conn.fetch(
                "select pid from pg_stat_activity"
                " where application_name = 'everpin leadership' and datname = current_database()"
            )
        ]


async def test_of_several_one_leads(catalog: Catalog) -> None:
    """Which of them is nobody's business; the others know its name."""
    async with AsyncExitStack() as stack:
        several = [await stack.enter_async_context(Candidate(catalog, name).running()) for name in "abc"]
        await until(lambda: any(candidate.led for candidate in several))

        async def all_compete() -> bool:
            return len(await sessions(catalog)) == 3

        await eventually(all_compete)
        leaders = [candidate for candidate in several if candidate.led]
        term, holder = await current(catalog)

    assert [candidate.name for candidate in leaders] == [holder]
    assert [candidate.terms for candidate in leaders] == [[term]]
    assert [candidate.led for candidate in several] == [None] * 3


async def test_who_stops_gives_leadership_back_at_once(catalog: Catalog) -> None:
    """The next one leads in a later term."""
    async with Candidate(catalog, "first").running() as first:
        await until(lambda: first.led is not None)
        async with Candidate(catalog, "second").running() as second:
            pass
        assert second.terms == []
    async with Candidate(catalog, "third").running() as third:
        await until(lambda: third.led is not None)

    assert third.terms == [first.terms[0] + 1]


async def test_who_is_cut_off_stops_and_leads_again_in_a_later_term(catalog: Catalog) -> None:
    """As when the database restarts."""
    async with Candidate(catalog, "only").running() as only:
        await until(lambda: only.led is not None)
        async with catalog.reading() as conn:
            for pid in await sessions(catalog):
                await conn.execute("select pg_terminate_backend($1)", pid)
        await until(lambda: len(only.terms) == 2 and only.led is not None)

    assert only.terms[1] == only.terms[0] + 1


async def test_who_says_nothing_for_too_long_loses_it(catalog: Catalog) -> None:
    """Though its connection stands and nobody told it: what it then would write is refused."""
    async with Candidate(catalog, "mute", MUTE).running() as mute:
        await until(lambda: mute.led is not None)
        async with Candidate(catalog, "other").running() as other:
            await until(lambda: other.led is not None)
            assert mute.led is not None
            assert other.led is not None
            with pytest.raises(NotTheLeaderError):
                async with mute.led.writing() as conn:
                    await conn.execute("update leadership set holder = 'usurper'")
            async with other.led.writing() as conn:
                await conn.execute("select 1")

            assert await current(catalog) == (other.terms[0], "other")


async def test_no_term_begins_in_the_middle_of_what_a_leader_writes(catalog: Catalog) -> None:
    """Whatever it has begun to write is written before, or never."""
    term = Term((await current(catalog))[0])

    async def successor_waits() -> bool:
        async with catalog.reading() as looking:
            return bool(
                await looking.fetchval(
                    "select count(*) from pg_stat_activity where datname = current_database()"
                    " and wait_event_type = 'Lock' and query like 'update leadership%'"
                )
            )

    async with (
        Led(catalog, term, silence=timedelta(seconds=30)).writing() as conn,
        Candidate(catalog, "next").running() as successor,
    ):
        await eventually(successor_waits)
        await conn.execute("insert into migrations (number, name) values (9999, 'written')")
        assert successor.terms == []

    async with catalog.reading() as conn:
        assert await conn.fetchval("select count(*) from migrations where number = 9999") == 1


async def test_who_is_paused_in_the_middle_of_writing_holds_nobody_up(catalog: Catalog) -> None:
    """PostgreSQL ends the transaction, so that the next one can lead; nothing of it is stored."""
    term = Term((await current(catalog))[0])

    async def write_slowly() -> None:
        async with Led(catalog, term, silence=timedelta(seconds=1)).writing() as conn:
            await conn.execute("insert into migrations (number, name) values (9999, 'never')")
            async with Candidate(catalog, "next").running() as successor:
                await until(lambda: successor.led is not None)
            await conn.execute("select 1")

    with pytest.raises(CatalogUnavailableError):
        await write_slowly()

    async with catalog.reading() as conn:
        assert await conn.fetchval("select count(*) from migrations where number = 9999") == 0


async def test_what_crashes_while_leading_does_not_end_the_competition(catalog: Catalog) -> None:
    """A watcher that silently never leads again would be worse than one that fails again."""
    candidate = Candidate(catalog, "stumbling")
    stumbles = iter([True])

    @asynccontextmanager
    async def lead(led: Led) -> AsyncIterator[None]:
        if next(stumbles, False):
            raise ZeroDivisionError("a defect")
        async with candidate.lead(led):
            yield

    async with competing(catalog, holder="stumbling", lead=lead, pace=QUICK):
        await until(lambda: candidate.led is not None)

    assert candidate.terms == [2]


async def test_nobody_else_who_is_paused_in_a_transaction_holds_up_the_leader_for_long(catalog: Catalog) -> None:
    """A mirror can be paused too, with the locks of a project or of the events in its hands."""
    async with catalog.writing() as conn:
        assert await conn.fetchval("show idle_in_transaction_session_timeout") == "30s"


def test_a_leader_speaks_often_enough() -> None:
    """At the default pace several of its words may be lost before it is replaced."""
    pace = leadership.PACE

    assert pace.say_something_every * 3 < pace.silence
