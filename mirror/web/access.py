"""The log of requests, for `log.access`: who asked for what, and what came of it."""

from aiohttp import web
from aiohttp.abc import AbstractAccessLogger

from mirror.events import presentable
from mirror.web.keys import ORIGINS
from mirror.web.masked import masked
from mirror.web.origin import Origins


def access_log(app: web.Application) -> type[AbstractAccessLogger]:
    """What logs the requests of an application; clients behind trusted proxies by their own address."""
    origins = app.get(ORIGINS) or Origins(base_url="", trusted_proxies=())

    class AccessLog(AbstractAccessLogger):
        """Logs each answered request."""

        def log(self, request: web.BaseRequest, response: web.StreamResponse, time: float) -> None:
            """One line; what the client wrote is shown without what could deceive a reader."""
            # By way of the standard library, since `log.access` counts whatever `log.level` says.
            self.logger.info(
                "web.answered",
                extra={
                    "client": origins.client(request),
                    "method": request.method,
                    "path": presentable(masked(request.raw_path)),
                    "status": response.status,
                    "bytes": response.body_length,
                    "seconds": round(time, 6),
                    "agent": presentable(request.headers.get("User-Agent", "")),
                },
            )

    return AccessLog
