"""How fast a download goes on that no client waits for."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from typing import TypeAlias

Pace: TypeAlias = Callable[[int], float]
"""Told how many bytes came, it says for how many seconds to wait before asking for more."""


class Throttle:
    """Slows one download down to its pace, until somebody waits for it."""

    def __init__(self, pace: Pace | None = None) -> None:
        self._pace = pace
        self._lifted = asyncio.Event()

    @property
    def is_lifted(self) -> bool:
        """Whether somebody has waited for it."""
        return self._lifted.is_set()

    async def wait(self, size: int) -> None:
        """After so many bytes more."""
        if self._pace is None:
            return
        seconds = self._pace(size)
        if seconds > 0:
            with suppress(TimeoutError):
                await asyncio.wait_for(self._lifted.wait(), seconds)

    def lift(self) -> None:
        """From now on, and where it waits already, it does not wait any more."""
        self._pace = None
        self._lifted.set()
