"""The event loop that every process of everpin runs on: uvloop where it is installed, else asyncio's own."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

_Factory = Callable[[], asyncio.AbstractEventLoop]


def run(work: Coroutine[Any, Any, None]) -> None:
    """Runs the coroutine to its end on a loop of its own."""
    with asyncio.Runner(loop_factory=_factory()) as runner:
        runner.run(work)


def _factory() -> _Factory | None:
    try:
        import uvloop
    except ImportError:
        return None
    return uvloop.new_event_loop
