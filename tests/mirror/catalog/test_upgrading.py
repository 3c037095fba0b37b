"""What an earlier version had stored is still understood after the migrations of later ones."""

from collections.abc import AsyncIterator

import asyncpg
import pytest_asyncio

from mirror.catalog import projects
from mirror.catalog.database import migrate, migrations, opened
from mirror.model import ProjectName
from mirror.setting_values import Reregistered
from mirror.states import waits_for_operator

_PROJECT = """
insert into projects (name, display_name, known_since, incarnation, status, versions, extra, revision)
values ($1, $1, now(), $2, 'active', '{}', '{}', 1)
"""


@pytest_asyncio.fixture
async def old_url(postgres_url: str) -> AsyncIterator[str]:
    """A database as the first version made it."""
    conn = await asyncpg.connect(postgres_url)
    await conn.execute("create database upgraded")
    url = postgres_url.replace("/everpin?", "/upgraded?")
    old = await asyncpg.connect(url)
    await old.execute(migrations()[0].sql)
    await old.execute("create table migrations (number integer primary key, name text not null)")
    await old.execute("alter table migrations add column ran_at timestamptz not null default now()")
    await old.execute("insert into migrations (number, name) values (1, 'x')")
    await old.executemany(_PROJECT, [("once", 1), ("twice", 2)])
    await old.close()
    yield url
    await conn.execute("drop database upgraded with (force)")
    await conn.close()


async def test_names_that_had_been_registered_again_stay_doubted(old_url: str) -> None:
    """Of their second life nothing had been noted; that of other names needs nothing."""
    async with opened(old_url, pool_size=2) as catalog:
        await migrate(catalog)
        async with catalog.reading() as conn:
            once = await projects.find(conn, ProjectName("once"))
            twice = await projects.find(conn, ProjectName("twice"))

    assert once is not None
    assert (once.owners, once.former_owners, once.lives) == ((), (), ())
    assert twice is not None
    (life,) = twice.lives
    assert (life.number, life.files_since) == (2, None)
    assert waits_for_operator(life, Reregistered.OWNER)
