"""Blocking calls on descriptors, out of the event loop."""

import asyncio
from collections.abc import Callable
from functools import partial
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
R = TypeVar("R")


async def in_thread(call: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
    """The call's result. When cancelled, it still waits for the call to end before it lets go.

    Otherwise the caller would close a descriptor under a thread that is about to write to it, and the number could
    belong to somebody else's file by then.
    """
    running = asyncio.get_running_loop().run_in_executor(None, partial(call, *args, **kwargs))
    await settled(running)
    return running.result()


async def settled(running: "asyncio.Future[R]") -> None:
    """Waits for the end, whatever it is. When cancelled meanwhile, it is so only after that end."""
    cancelled: asyncio.CancelledError | None = None
    while not running.done():
        try:
            await asyncio.wait({running})
        except asyncio.CancelledError as e:
            cancelled = e
    if cancelled is not None:
        raise cancelled from running.exception()
