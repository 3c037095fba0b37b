"""What tests of the web share: a catalog that counts, and what clients ask with."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass

from mirror.catalog.database import Catalog, Connection
from tests.pypi_sim import PyPISim
from tests.watcher.houses import House, long_ago

JSON = "application/vnd.pypi.simple.v1+json"
V1_HTML = "application/vnd.pypi.simple.v1+html"


class CountingCatalog(Catalog):
    """A catalog that counts how often a connection was taken from it."""

    def __init__(self, catalog: Catalog) -> None:
        super().__init__(catalog._pool, catalog.url)
        self.uses = 0

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[Connection]:
        """As `Catalog.reading`, counted."""
        self.uses += 1
        async with super().reading() as conn:
            yield conn

    @asynccontextmanager
    async def writing(self) -> AsyncIterator[Connection]:
        """As `Catalog.writing`, counted."""
        self.uses += 1
        async with super().writing() as conn:
            yield conn


async def at_rest(counting: CountingCatalog) -> None:
    """Waits until what the first answers left to be done, such as letting go of a claim, is done."""
    before = -1
    while counting.uses != before:
        before = counting.uses
        await asyncio.sleep(0.1)


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back."""

    status: int
    reason: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def text(self) -> str:
        """The body as text."""
        return self.body.decode()


async def ask(house: House, path: str, method: str = "GET", **headers: str) -> Answer:
    """One request; `_` in the names of headers stands for `-`. Redirects are not followed."""
    named = {"Accept": JSON, "Accept-Encoding": "identity"}
    named |= {name.replace("_", "-"): value for name, value in headers.items()}
    async with house.http.request(method, path, headers=named, allow_redirects=False) as answer:
        return Answer(answer.status, answer.reason or "", answer.headers.copy(), await answer.read())


def pages_asked(pypi: PyPISim, name: str) -> int:
    """How often upstream was asked for the page of a project."""
    return pypi.count(kind="page", path=f"/simple/{name}/")


def old_wheel(pypi: PyPISim, name: str = "demo", version: str = "1.0", *, size: int = 0) -> str:
    """Uploads a wheel long ago and says its filename."""
    return pypi.upload(name, version, uploaded_at=long_ago(pypi, days=200), payload_size=size).filename
