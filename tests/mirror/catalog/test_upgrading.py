"""What an earlier version had stored is still understood after the migrations of later ones."""

import itertools
import os
from collections.abc import AsyncIterator

import asyncpg
import pytest_asyncio

from mirror.catalog import projects
from mirror.catalog.database import migrate, migrations, opened
from mirror.names import ProjectName
from mirror.setting_values import Reregistered
from mirror.states import waits_for_operator

_numbers = itertools.count(1)
_PROJECT = """
insert into projects (name, display_name, known_since, incarnation, status, versions, extra, revision)
values ($1, $1, now(), $2, 'active', '{}', '{}', 1)
"""


@pytest_asyncio.fixture
async def old_url(postgres_url: str) -> AsyncIterator[str]:
    """A database as the first version made it."""
    name = f"upgraded_{os.getpid()}_{next(_numbers)}"
    url = postgres_url.replace("/everpin?", f"/{name}?")
    conn = await asyncpg.connect(postgres_url)
    try:
        await conn.execute(f"create database {name}")
        try:
            await _fill(url)
            yield url
        finally:
            await conn.execute(f"drop database {name} with (force)")
    finally:
        await conn.close()


async def _fill(url: str) -> None:
    old = await asyncpg.connect(url)
    try:
        await old.execute(migrations()[0].sql)
        await old.execute("create table migrations (number integer primary key, name text not null)")
        await old.execute("alter table migrations add column ran_at timestamptz not null default now()")
        await old.execute("insert into migrations (number, name) values (1, 'x')")
        await old.executemany(_PROJECT, [("once", 1), ("twice", 2)])
    finally:
        await old.close()


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
