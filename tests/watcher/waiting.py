"""Waiting for what tells nobody when it comes."""

import asyncio
from collections.abc import Awaitable, Callable


async def until(condition: Callable[[], bool]) -> None:
    """Waits until the condition holds; it gives up loudly in the end."""

    async def check() -> bool:
        return condition()

    await eventually(check)


async def eventually(condition: Callable[[], Awaitable[bool]]) -> None:
    """Waits until the condition, which takes some asking, holds; it gives up loudly in the end."""
    async with asyncio.timeout(30):
        while not await condition():  # noqa: ASYNC110 - what is waited for tells nobody
            await asyncio.sleep(0.01)
