"""A PostgreSQL of a journey's own that nobody watches over: it goes down and comes back when the journey says so."""

import os
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from mirror.postgres.binaries import find_binaries
from mirror.postgres.cluster import ensure_cluster
from mirror.postgres.identity import server_identity
from mirror.postgres.places import places_in, prepare
from mirror.postgres.server import Server, launch
from tests.journeys.processes import until


class DatabaseServer:
    """A server below a directory; its address stays the same."""

    def __init__(self, directory: Path) -> None:
        self._places = places_in(directory)
        self._identity = server_identity(self._places.data, self._places.home)
        self._server: Server | None = None

    @property
    def url(self) -> str:
        """The address of its database, which has no tables at first."""
        return self._places.dsn

    async def start(self) -> None:
        """Has it accept connections, after its crash recovery where it needs one."""
        prepare(self._places, self._identity)
        binaries = await find_binaries(self._places, self._identity)
        await ensure_cluster(self._places, binaries, self._identity)
        self._server = await launch(self._places, binaries, self._identity)

    async def stop_immediately(self) -> None:
        """What `pg_ctl stop -m immediate` does: every connection is cut, nothing is written any more."""
        server = self._server
        assert server is not None, "it does not run"
        os.kill(server.pid, signal.SIGQUIT)

        async def has_ended() -> bool:
            return server.returncode is not None

        await until(has_ended)
        self._server = None

    async def close(self) -> None:
        """Stops it if it runs."""
        if self._server is not None:
            await self._server.stop()
            self._server = None


@asynccontextmanager
async def database_server(directory: Path) -> AsyncIterator[DatabaseServer]:
    """A running server, stopped at the end."""
    server = DatabaseServer(directory)
    await server.start()
    try:
        yield server
    finally:
        await server.close()


def postmaster_of(data_dir: Path) -> int:
    """The process of the embedded server that an everpin runs in this data directory."""
    return int((data_dir / "postgres" / "data" / "postmaster.pid").read_text().splitlines()[0])
