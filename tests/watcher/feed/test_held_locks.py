"""Locks in memory: bounded, however many there are and however many follow them."""

import gc
import uuid
from contextlib import ExitStack
from datetime import UTC, datetime

import pytest

from mirror.catalog import lock_feeds
from mirror.catalog.database import Catalog
from mirror.names import ProjectName
from mirror.web.problems import Problem
from watcher.feed.held_locks import HeldLock, HeldLocks, LentFilter, digest_of
from watcher.locks import Pin
from watcher.locks.packed import packed

NOW = datetime(2026, 5, 1, tzinfo=UTC)


async def lock(catalog: Catalog, pins: int) -> str:
    """A lock with so many pins; its feed's token."""
    token = uuid.uuid4().hex
    stored = packed(Pin(ProjectName(f"p{number}"), "1", None, None, "") for number in range(pins))
    async with catalog.writing() as conn:
        await lock_feeds.add(conn, token_sha256=digest_of(token), pins=stored, pinned=pins, most=9, now=NOW)
    return token


async def read(held: HeldLocks, token: str) -> HeldLock:
    """The lock, which is there."""
    found = await held.read(token)
    assert found is not None
    return found


async def test_the_locks_read_last_are_kept_in_memory(catalog: Catalog) -> None:
    """As many as there is room for; the others are read again, and are the same. One that is too large is read, too."""
    held = HeldLocks(catalog, lambda: NOW, most_pins=1_500)
    small, large, huge = [await lock(catalog, pins) for pins in (1, 1_400, 1_600)]
    first = await read(held, small)
    assert await read(held, large) is await read(held, large)
    assert await read(held, small) is first

    assert len((await read(held, huge)).wanted.projects) == 1_600
    again = await read(held, small)

    assert again is not first
    assert (again.id, again.wanted.projects) == (first.id, first.wanted.projects)
    assert LentFilter.of(again) == LentFilter.of(first)


async def test_what_is_followed_is_in_memory_once_and_not_too_much(catalog: Catalog) -> None:
    """However many follow it. Who would make it too much is told to come again."""
    held = HeldLocks(catalog, lambda: NOW, most_pins=1, most_followed=5)
    tokens = [await lock(catalog, 3) for _ in range(2)]
    one, other = [await read(held, token) for token in tokens]
    with ExitStack() as followers:
        for _ in range(3):
            followers.enter_context(held.following(await read(held, tokens[0])))
        assert await read(held, tokens[0]) is await read(held, tokens[0])
        with pytest.raises(Problem) as refused, held.following(other):
            pass

    assert refused.value.status == 503
    with held.following(other):
        assert await read(held, tokens[0]) is not one


async def test_a_lent_filter_keeps_no_lock_in_memory(catalog: Catalog) -> None:
    """Whoever remembers it can compare it, and no more."""
    held = HeldLocks(catalog, lambda: NOW, most_pins=0)
    token = await lock(catalog, 1)
    one = await read(held, token)
    lent = LentFilter.of(one)
    assert (lent.projects, lent.kinds) == (one.wanted.projects, one.wanted.kinds)

    del one
    gc.collect()

    assert lent == LentFilter.of(await read(held, token))
    with pytest.raises(LookupError):
        assert lent.projects
