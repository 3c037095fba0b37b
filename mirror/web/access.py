"""The log of requests, for `log.access`: who asked for what, and what came of it."""

import logging

import structlog
from aiohttp import web
from aiohttp.abc import AbstractAccessLogger
from aiohttp.http_exceptions import HttpProcessingError

from mirror.events import presentable
from mirror.web.keys import ORIGINS
from mirror.web.masked import masked
from mirror.web.origin import Origins

log = structlog.get_logger()


def access_log(app: web.Application) -> type[AbstractAccessLogger]:
    """What logs the requests of an application; clients behind trusted proxies by their own address.

    What cannot be read as a request is logged by nobody from here on, but for the kind of mistake.
    """
    logging.getLogger("aiohttp.server").addFilter(_keep_unreadable_out)
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


def _keep_unreadable_out(record: logging.LogRecord) -> bool:
    """The server would log what was sent, which can be an address or a token that is a secret, with a traceback."""
    error = record.exc_info[1] if record.exc_info else None
    if not isinstance(error, HttpProcessingError | web.RequestPayloadError):
        return True
    log.debug("web.unreadable", error=type(error).__name__)
    return False
