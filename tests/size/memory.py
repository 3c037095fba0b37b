"""Looks at what a mirror takes of memory: for large files, for many clients, for more pages than it may keep ready.

    python -m tests.size.memory [--only files,large,pages,wide] [--memory 64MiB] [--large-bytes 3000000000]

Starts `everpin mirror` with a database of its own against the simulated PyPI, one for each of these:

    files   16 clients at once, each of which downloads all of 15 files of 20 MB
    large   one client that downloads a file of 3 GB and forgets it while it reads
    pages   10,000 projects of 10 files, their pages walked as JSON, then as HTML, then as JSON once more
    wide    300 projects of 2,000 files, walked in the same way

and prints a line for each walk: what the process held before and after it (VmRSS) and at most meanwhile (VmHWM), in MB,
and how much that is more than before the first one. The process is the mirror's; PostgreSQL, the simulated PyPI and the
clients are others. Before the first line a few small pages and files were asked for, so that what is loaded and opened
once is not counted as growth.
"""

import argparse
import asyncio
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path

import aiohttp

from tests.journeys.processes import Everpin, running
from tests.pypi_sim import File, Generated, PyPISim
from tests.reachable import reachable_directory
from tests.size.stock import stock

JSON = "application/vnd.pypi.simple.v1+json"
HTML = "text/html"

_PIECE = 256 * 2**10


@dataclass(frozen=True, slots=True)
class Taken:
    """What one walk took, in bytes. `first` is what the process held before the first walk."""

    walk: str
    before: int
    after: int
    most: int
    first: int
    seconds: float

    @property
    def growth(self) -> int:
        """How much more the process held at most than before the first walk."""
        return self.most - self.first


@dataclass(slots=True)
class Measured:
    """A mirror, its upstream, and what its walks took so far."""

    pypi: PyPISim
    mirror: Everpin
    session: aiohttp.ClientSession
    taken: list[Taken] = field(default_factory=list)

    async def walk(self, what: str, go: Callable[[], Awaitable[None]]) -> Taken:
        """Has the walk done and notes what it took."""
        process = Path(f"/proc/{self.mirror.pid}")
        # Makes the kernel forget the most that was held so far.
        (process / "clear_refs").write_text("5")
        before, began = _bytes(process, "VmRSS"), time.monotonic()
        await go()
        first = self.taken[0].first if self.taken else before
        seconds = time.monotonic() - began
        taken = Taken(what, before, _bytes(process, "VmRSS"), _bytes(process, "VmHWM"), first, seconds)
        self.taken.append(taken)
        return taken

    async def page(self, project: str, accept: str) -> int:
        """Asks for a page, packed, and returns how many bytes came."""
        headers = {"Accept": accept, "Accept-Encoding": "gzip"}
        async with self.session.get(f"{self.mirror.index_url}{project}/", headers=headers) as answer:
            assert answer.status == 200, f"{project}: {answer.status}"
            return len(await answer.read())

    async def pages(self, projects: Iterable[str], accept: str, *, clients: int = 4) -> None:
        """Asks for all these pages, so many at once."""
        waiting = iter(projects)

        async def client() -> None:
            for project in waiting:
                await self.page(project, accept)

        await asyncio.gather(*(client() for _ in range(clients)))

    async def download(self, file: File) -> None:
        """Reads the file to its end and forgets it; what came must be what was uploaded."""
        digest = sha256()
        async with self.session.get(f"{self.mirror.url}{file.path}") as answer:
            assert answer.status == 200, f"{file.filename}: {answer.status}"
            async for piece in answer.content.iter_chunked(_PIECE):
                digest.update(piece)
        assert digest.hexdigest() == file.sha256


@asynccontextmanager
async def measured(directory: Path, **settings: str) -> AsyncIterator[Measured]:
    """A mirror that is warm: it has served a few pages and files."""
    async with PyPISim() as pypi:
        # Nobody watches a journal here, and no page shall be asked for again because a walk took its time.
        settings = {"mirror__stale_after": "30d"} | settings
        mirror = Everpin.of("mirror", directory / "data", index_url=pypi.index_url, **settings)
        async with (
            running(mirror),
            aiohttp.ClientSession(
                timeout=aiohttp.ClientTimeout(total=None), auto_decompress=False, trust_env=False
            ) as session,
        ):
            one = Measured(pypi, mirror, session)
            await _warm_up(one)
            yield one


async def _warm_up(one: Measured) -> None:
    small = [one.pypi.upload("warm", f"1.{number}", payload_size=1_000_000) for number in range(8)]
    names = stock(one.pypi, "warm", projects=32, files=10)
    for accept in (JSON, HTML):
        await one.pages(("warm", *names), accept)
    for _ in range(2):
        await asyncio.gather(*(one.download(file) for file in small))


async def many_files(one: Measured, *, files: int, size: int, clients: int) -> None:
    """So many clients at once, each of which downloads all the files; cold, then warm."""
    uploaded = [_uploaded(one.pypi, "files", f"1.{number}", size) for number in range(files)]
    await one.page("files", JSON)

    async def client(number: int) -> None:
        for file in uploaded[number % files :] + uploaded[: number % files]:
            await one.download(file)

    async def all_clients() -> None:
        await asyncio.gather(*(client(number) for number in range(clients)))

    what = f"{files} files of {size / 1e6:.0f} MB to each of {clients} clients"
    await one.walk(f"{what}, cold", all_clients)
    await one.walk(f"{what}, warm", all_clients)


async def large_file(one: Measured, *, size: int) -> None:
    """One client downloads one file; cold, then warm."""
    file = _uploaded(one.pypi, "large", "1.0", size)
    await one.page("large", JSON)
    for state in ("cold", "warm"):
        await one.walk(f"a file of {size / 1e6:.0f} MB, {state}", lambda: one.download(file))


async def many_pages(one: Measured, *, projects: int, files: int, clients: int) -> None:
    """All pages as JSON, never seen before, then as HTML, then as JSON again."""
    names = stock(one.pypi, "pages", projects=projects, files=files)
    what = f"{projects} pages of {files} files"
    await one.walk(f"{what}, JSON, cold", lambda: one.pages(names, JSON, clients=clients))
    await one.walk(f"{what}, HTML", lambda: one.pages(names, HTML, clients=clients))
    await one.walk(f"{what}, JSON, again", lambda: one.pages(names, JSON, clients=clients))


def report(taken: Sequence[Taken]) -> str:
    """A line for each walk."""
    return "".join(
        f"{one.before / 1e6:8.0f} {one.after / 1e6:8.0f} {one.most / 1e6:8.0f} {one.growth / 1e6:8.0f}"
        f" {one.seconds:8.1f}  {one.walk}\n"
        for one in taken
    )


HEADING = f"{'before':>8} {'after':>8} {'most':>8} {'growth':>8} {'seconds':>8}  (MB)\n"


def _uploaded(pypi: PyPISim, project: str, version: str, size: int) -> File:
    return pypi.upload(project, version, kind="sdist", content=Generated(f"{project} {version}", size))


def _bytes(process: Path, what: str) -> int:
    for line in (process / "status").read_text().splitlines():
        if line.startswith(f"{what}:"):
            return int(line.split()[1]) * 1024
    raise LookupError(f"{process} does not tell {what}")


async def main() -> None:
    """Reads the command line and measures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", default="files,large,pages,wide")
    parser.add_argument("--memory", default="64MiB")
    parser.add_argument("--large-bytes", type=int, default=3_000_000_000)
    given = parser.parse_args()
    walks: dict[str, Callable[[Measured], Awaitable[None]]] = {
        "files": lambda one: many_files(one, files=15, size=20_000_000, clients=16),
        "large": lambda one: large_file(one, size=given.large_bytes),
        "pages": lambda one: many_pages(one, projects=10_000, files=10, clients=8),
        "wide": lambda one: many_pages(one, projects=300, files=2_000, clients=2),
    }
    sys.stdout.write(HEADING)
    for name in given.only.split(","):
        with reachable_directory() as directory:
            async with measured(directory, mirror__memory=given.memory) as one:
                await walks[name](one)
                sys.stdout.write(report(one.taken))
                sys.stdout.flush()


if __name__ == "__main__":
    asyncio.run(main())
