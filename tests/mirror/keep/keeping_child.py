"""A process of its own that keeps files, to be killed or starved by a test.

Arguments: a directory for store and spool, the upstream's address, the largest file it may write (0: any), and the
paths to fetch, each with the sha256 that is promised: `path=sha256`. Prints one line for each outcome.
"""

import asyncio
import resource
import sys
from pathlib import Path

from packaging.utils import canonicalize_name

from mirror.errors import EverpinError
from mirror.keep import Keeper, Kept, Wanted
from mirror.names import Sha256
from mirror.setting_sections import Upstream
from mirror.store.directory import DirectoryStore
from mirror.upstream.session import UpstreamSession


async def keep(place: Path, upstream: str, files: list[str]) -> None:
    async def record(wanted: Wanted, kept: Kept) -> None:
        say(f"recorded {wanted.filename} {kept.size}")

    async def allowed_hosts() -> tuple[str, ...]:
        return (upstream.removeprefix("http://"),)

    store = DirectoryStore(place / "store")
    await store.check()
    async with UpstreamSession(Upstream()) as session:
        keeper = Keeper(
            session=session,
            store=store,
            spool_dir=place / "spool",
            allowed_hosts=allowed_hosts,
            max_file_size=2**40,
            record=record,
        )
        for file in files:
            path, digest = file.split("=")
            wanted = Wanted(
                upstream + path, Sha256(digest), None, path.strip("/"), canonicalize_name("leftpad"), None, 1
            )
            try:
                await keeper.fetch(wanted).finished()
            except EverpinError as e:
                say(f"{type(e).__name__} {wanted.filename}: {e}")
        await keeper.close()


def say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)  # noqa: T201 - what the parent reads


if __name__ == "__main__":
    limit = int(sys.argv[3])
    if limit:
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
    asyncio.run(keep(Path(sys.argv[1]), sys.argv[2], sys.argv[4:]))
