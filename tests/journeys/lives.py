"""An everpin that dies at a chosen place, and those around it, who go on until they have what they want."""

import asyncio
import sys
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp
import asyncpg

from mirror import seams
from mirror.names import Sha256
from mirror.store.keys import StoreKey
from tests.journeys.processes import Everpin, plain_environment, until
from tests.journeys.remains import is_settled
from tests.pypi_sim import File, PyPISim

ORDER_NOTED, ORDER_RECORDED = "order.noted", "order.recorded"
"""Not where the everpin that serves dies, but a command of an operator beside it."""


@dataclass
class Life:
    """An everpin that is started again after each death, and clients that try again until they get what they want."""

    everpin: Everpin
    pypi: PyPISim
    death: str
    deaths: list[int] = field(default_factory=list)

    async def until(self, condition: Callable[[], Awaitable[bool]]) -> None:
        """Waits for the condition, across deaths."""

        async def holds() -> bool:
            if self.everpin.has_ended:
                self.deaths.append(await self.everpin.ended())
                await self.everpin.start()
            try:
                return await condition()
            except (aiohttp.ClientError, OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
                return False  # as it looks to a client when the other side has just died

        await until(holds)

    async def settled(self) -> None:
        """Waits until upstream has nothing more to tell and everything that follows from it is done."""

        async def is_so() -> bool:
            return await is_settled(self.everpin, self.pypi)

        await self.until(is_so)

    async def gets(self, file: File, *, metadata: bool = False) -> None:
        """Waits until a client has the file."""
        wanted = file.metadata if metadata else file.content

        async def has_it() -> bool:
            address = await self.everpin.file_url(file.project, file.filename)
            return (await self.everpin.get(f"{address}.metadata" if metadata else address)).body == wanted

        await self.until(has_it)

    async def gets_page(self, project: str) -> None:
        """Waits until a client has the page."""

        async def has_it() -> bool:
            return (await self.everpin.get(f"/simple/{project}/")).status == 200

        await self.until(has_it)

    async def blocks(self, target: str) -> None:
        """An operator blocks it, and starts everpin again where that command died: then it does the rest."""
        dies = {seams.VARIABLE: self.death} if self.death in (ORDER_NOTED, ORDER_RECORDED) else {}
        command = await asyncio.create_subprocess_exec(
            Path(sys.executable).with_name("everpin"),
            *("block", target, "--reason", "a test", "--data-dir", self.everpin.data_dir),
            env=plain_environment() | {"EVERPIN_UPSTREAM__INDEX_URL": self.pypi.index_url} | dies,
        )
        status = await command.wait()
        if status:
            self.deaths.append(status)
            await self.everpin.stop()
            await self.everpin.start()

    def spoil(self, file: File) -> None:
        """Leaves half an object in the store under the file's name, as a broken disk does."""
        path = self.everpin.data_dir / "store" / str(StoreKey(Sha256(file.sha256)))
        path.parent.mkdir(parents=True)
        path.write_bytes(file.content[: file.size // 2])
