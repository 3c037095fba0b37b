"""A database that was put back from a backup begins a new history; one that was only restarted does not."""

import uuid
from dataclasses import replace
from pathlib import Path

from mirror import clock
from mirror.catalog import epochs, instance
from mirror.catalog.database import Catalog
from mirror.catalog.epochs import Mark


async def start(catalog: Catalog, beside: Mark | None) -> Mark:
    """A start of everpin; what it keeps beside the database."""
    async with catalog.writing() as conn:
        await instance.ensure(conn, "http://index.example.org/simple/", now=clock.now())
        return await epochs.begin(conn, beside)


async def set_back(catalog: Catalog, to: Mark) -> None:
    """The database as it was at that start."""
    async with catalog.writing() as conn:
        await conn.execute("update instance set starts = $1, epoch = $2", to.starts, to.epoch)


async def test_starting_again_begins_nothing(catalog: Catalog) -> None:
    """Neither with what was kept beside, nor after a start that died before it was kept, nor without."""
    first = await start(catalog, None)
    second = await start(catalog, first)
    third = await start(catalog, first)
    fourth = await start(catalog, None)

    assert [mark.epoch for mark in (first, second, third, fourth)] == [1, 1, 1, 1]
    assert [mark.starts for mark in (first, second, third, fourth)] == [1, 2, 3, 4]


async def test_a_copy_that_was_put_back_is_noticed(catalog: Catalog) -> None:
    """It was started less often than is known. Put back twice, it is another one each time."""
    copied = await start(catalog, None)
    running = await start(catalog, copied)
    await set_back(catalog, copied)
    once = await start(catalog, running)
    on_it_goes = await start(catalog, once)
    await set_back(catalog, copied)
    twice = await start(catalog, on_it_goes)

    assert (once.epoch, on_it_goes.epoch, twice.epoch) == (2, 2, 3)


async def test_another_server_or_a_restored_dump_is_noticed(catalog: Catalog) -> None:
    """By what PostgreSQL is known by, with nothing beside; once."""
    await start(catalog, None)
    async with catalog.writing() as conn:
        known = await conn.fetchval("select fingerprint from instance")
        server, timeline, database, relation = known.split("/")
        await conn.execute("update instance set fingerprint = $1", f"{server}/00000000/{database}/{relation}")
    after, again = await start(catalog, None), await start(catalog, None)

    assert min(len(part) for part in (server, timeline, database, relation)) > 0
    assert (after.epoch, again.epoch) == (2, 2)


async def test_what_was_put_back_while_everpin_ran_is_noticed(catalog: Catalog) -> None:
    """By whoever leads next, once, and without a start being counted."""
    mark = await start(catalog, None)
    async with catalog.writing() as conn:
        await epochs.compare(conn)
        as_ever = await instance.read(conn)
        await conn.execute("update instance set fingerprint = 'another'")
    for _ in range(2):
        async with catalog.writing() as conn:
            await epochs.compare(conn)
            after = await instance.read(conn)

    assert (as_ever.epoch, after.epoch) == (1, 2)
    assert (await start(catalog, mark)).starts == 2


async def test_who_may_not_ask_what_the_server_is_known_by_starts_all_the_same(catalog: Catalog) -> None:
    """Then nothing is concluded, and what was known before stays known."""
    before = await start(catalog, None)
    async with catalog.writing() as conn:
        await conn.execute("update instance set fingerprint = 'another'")
        await conn.execute("create role nobody_special")
        try:
            await conn.execute("grant all on instance to nobody_special")
            await conn.execute("revoke execute on function pg_control_system() from public")
            await conn.execute("set local role nobody_special")
            after = await epochs.begin(conn, before)
        finally:
            await conn.execute("reset role")
            await conn.execute("grant execute on function pg_control_system() to public")
            await conn.execute("revoke all on instance from nobody_special")
            await conn.execute("drop role nobody_special")
        kept = await conn.fetchval("select fingerprint from instance")

    assert (after.epoch, kept) == (1, "another")


def test_what_is_beside_is_read_again(tmp_path: Path) -> None:
    """Nothing is nothing, and so is what cannot be read."""
    mark, path = Mark(uuid.uuid4(), 2, 7), tmp_path / "starts"
    nothing = epochs.read_mark(path)
    epochs.keep_mark(path, mark)
    kept = epochs.read_mark(path)
    path.write_bytes(b"\x00")

    assert (nothing, kept, epochs.read_mark(path)) == (None, mark, None)
    assert [file.name for file in tmp_path.iterdir()] == ["starts"]


async def test_what_is_kept_of_another_instance_says_nothing(catalog: Catalog) -> None:
    """A data directory can have been used with another database."""
    mine = await start(catalog, None)

    assert (await start(catalog, replace(mine, instance=uuid.uuid4(), starts=99, epoch=9))).epoch == 1
