"""What short ways to an answer have in common: they come before the router, hand on what they cannot do, and count."""

import time
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable

from aiohttp import web

from mirror import metrics
from mirror.web.prebuilt import PrebuiltAnswer

Handler = Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]

METHODS = frozenset({"GET", "HEAD"})
"""What is answered at once."""


class ShortWay(ABC):
    """Handles every request of a server, and hands on to `rest` what it cannot answer at once.

    What it answers counts as requests of `route`, as the long way counts them.
    """

    def __init__(self, route: str, rest: Handler) -> None:
        self._rest = rest
        self._seconds = metrics.http_seconds.labels(route)
        self._found = metrics.http_requests.labels(route, "200")
        self._unchanged = metrics.http_requests.labels(route, "304")

    async def __call__(self, request: web.BaseRequest) -> web.StreamResponse:
        """The answer, which the server then sends."""
        started = time.perf_counter()
        answer = self.at_once(request)
        if answer is None:
            return await self._rest(request)
        (self._found if answer.status == 200 else self._unchanged).inc()
        self._seconds.observe(time.perf_counter() - started)
        return answer

    @abstractmethod
    def at_once(self, request: web.BaseRequest) -> PrebuiltAnswer | None:
        """A 200 or 304 that nobody has to be asked for; else None."""
        ...
