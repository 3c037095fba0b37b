"""Where clients come in: a port, and behind it this process or several of its own."""

import socket
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, closing
from pathlib import Path

from mirror.catalog import notices
from mirror.settings import Settings
from watcher.compose import Parts, mirror_application
from watcher.duties import Duties
from watcher.serving import listening_socket, serving
from watcher.workers import Workers, workers_of


class Front:
    """The port of a mirror, taken."""

    def __init__(self, bound: socket.socket, workers: Workers | None) -> None:
        self._bound = bound
        self._workers = workers

    @property
    def figures(self) -> Path | None:
        """Where all processes count together, if there are several."""
        return self._workers.figures if self._workers is not None else None

    @asynccontextmanager
    async def answering(self, parts: Parts, *, duties: Duties | None = None) -> AsyncIterator[None]:
        """Clients are answered meanwhile; `duties` hear of what they want."""
        async with AsyncExitStack() as stack:
            if self._workers is None:
                app = await stack.enter_async_context(mirror_application(parts, duties=duties))
                await stack.enter_async_context(serving(app, self._bound, access_log=parts.settings.log.access))
            else:
                if duties is not None:
                    await stack.enter_async_context(notices.listening(parts.catalog.url, duties.heard))
                settings = parts.settings.on_database(parts.catalog.url)
                await stack.enter_async_context(self._workers.answering(settings))
            yield


@asynccontextmanager
async def front_of(settings: Settings) -> AsyncIterator[Front]:
    """Takes the port before anything else is begun, and has those get ready who will answer on it."""
    mirror = settings.mirror
    is_shared = mirror.processes > 1
    with closing(listening_socket(mirror.host, mirror.port, section="mirror", is_shared=is_shared)) as bound:
        if not is_shared:
            yield Front(bound, None)
            return
        # By the port, since several mirrors may share a data directory.
        figures = settings.data_dir / "figures" / str(mirror.port)
        async with workers_of(bound, figures, processes=mirror.processes) as workers:
            yield Front(bound, workers)
