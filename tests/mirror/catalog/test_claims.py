"""One of several has a claim, and nobody waits for one that is dead, cut off or nowhere to be asked."""

import asyncio
from contextlib import AsyncExitStack

import asyncpg

from mirror.catalog.claims import Claim, Claims, connected
from tests.watcher.houses import eventually

SESSIONS = "from pg_stat_activity where application_name = 'everpin claims' and datname = current_database()"


async def on_server(database_url: str, statement: str) -> int:
    """The first number that the statement brings."""
    conn = await asyncpg.connect(database_url)
    try:
        return int(await conn.fetchval(statement) or 0)
    finally:
        await conn.close()


async def had(claims: Claims, name: str) -> Claim:
    """The claim, as soon as it can be had."""
    got: list[Claim] = []

    async def is_had() -> bool:
        claim = await claims.try_claim(name)
        got.extend([claim] if claim else [])
        return bool(got)

    await eventually(is_had)
    return got[0]


async def test_one_of_two_has_it_until_it_lets_go(database_url: str) -> None:
    """Other names are not touched by that."""
    async with connected(database_url) as one, connected(database_url) as other:
        claim = await one.try_claim("a")
        assert claim is not None

        assert await other.try_claim("a") is None
        assert await one.try_claim("a") is None
        assert await other.try_claim("b") is not None
        await claim.release()
        taken = await other.try_claim("a")
        assert taken is not None
        await claim.release()
        assert await one.try_claim("a") is None


async def test_the_end_of_a_process_ends_its_claims(database_url: str) -> None:
    """However it ends, its connection does."""
    async with connected(database_url) as other, AsyncExitStack() as process:
        one = await process.enter_async_context(connected(database_url))
        assert await one.try_claim("a") is not None
        assert await other.try_claim("a") is None
        await process.aclose()

        await had(other, "a")


async def test_a_lost_connection_is_made_again(database_url: str) -> None:
    """The claims of before are free; later ones are shared again."""
    async with connected(database_url) as one, connected(database_url) as other:
        before = await one.try_claim("a")
        assert before is not None
        await on_server(database_url, f"select count(pg_terminate_backend(pid)) {SESSIONS}")

        async def are_back() -> bool:
            return await on_server(database_url, f"select count(*) {SESSIONS}") == 2

        await eventually(are_back)
        await asyncio.sleep(0)
        taken = await had(other, "a")
        await before.release()
        assert await one.try_claim("a") is None
        await taken.release()
        assert await one.try_claim("a") is not None


async def test_who_gives_up_asking_leaves_no_claim_behind(database_url: str) -> None:
    """Though the database may have answered by then."""
    async with connected(database_url) as one, connected(database_url) as other:
        for _ in range(20):
            asking = asyncio.create_task(one.try_claim("a"))
            await asyncio.sleep(0)
            asking.cancel()
            await asyncio.gather(asking, return_exceptions=True)

        claim = await had(other, "a")
        await claim.release()
        await had(one, "a")


async def test_everybody_has_everything_where_nobody_can_be_asked() -> None:
    """But not twice in one process."""
    async with connected("postgresql://nobody@127.0.0.1:1/none") as one:
        claim = await one.try_claim("a")
        assert claim is not None
        assert await one.try_claim("a") is None
        await claim.release()
        assert await one.try_claim("a") is not None
