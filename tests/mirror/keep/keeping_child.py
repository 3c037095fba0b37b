"""A process of its own that keeps files, to be killed or starved by a test.

Arguments: a directory for store and spool, the upstream's address, the largest file it may write (0: any), and the
paths to fetch, each with the sha256 that is promised, and the size if it is: `path=sha256` or `path=sha256=size`; with
`=read` behind that it is a client that reads along. In the environment CLAIMS_DATABASE may say where claims are shared.
Prints one line for each outcome.
"""

import asyncio
import hashlib
import os
import resource
import sys
from contextlib import AsyncExitStack
from pathlib import Path

from packaging.utils import canonicalize_name

from mirror.catalog.claims import Claims, connected
from mirror.errors import EverpinError
from mirror.keep import Download, Keeper, Kept, Means, Wanted
from mirror.names import Sha256
from mirror.setting_sections import Upstream
from mirror.store.directory import DirectoryStore
from mirror.upstream.session import UpstreamSession


async def keep(place: Path, upstream: str, files: list[str]) -> None:
    async def record(wanted: Wanted, kept: Kept) -> None:
        say(f"recorded {wanted.filename} {kept.size}")

    async def allow(wanted: Wanted, kept: Kept) -> None:
        say(f"allowed {wanted.filename} {kept.size}")

    async def allowed_hosts() -> tuple[str, ...]:
        return (upstream.removeprefix("http://"),)

    async def recorded(wanted: Wanted) -> Sha256 | None:
        return None

    store = DirectoryStore(place / "store")
    await store.check()
    claims = Claims()
    async with AsyncExitStack() as stack:
        if database := os.environ.get("CLAIMS_DATABASE"):
            claims = await stack.enter_async_context(connected(database))
        session = await stack.enter_async_context(UpstreamSession(Upstream()))
        keeper = Keeper(
            Means(
                session=session,
                store=store,
                spool_dir=place / "spool",
                allowed_hosts=allowed_hosts,
                max_file_size=2**40,
                record=record,
                allow=allow,
                recorded=recorded,
                claims=claims,
                patience_seconds=13.0,
            )
        )
        for file in files:
            path, digest, *more = file.split("=")
            promised = int(more[0]) if more else None
            leftpad = canonicalize_name("leftpad")
            wanted = Wanted(upstream + path, Sha256(digest), promised, path.strip("/"), leftpad, None, 1)
            try:
                if "read" in more:
                    say(f"read {await sha256_of(keeper.fetch(wanted))}")
                    continue
                await keeper.fetch(wanted).finished()
            except EverpinError as e:
                say(f"{type(e).__name__} {wanted.filename}: {e}")
        await keeper.close()


async def sha256_of(download: Download) -> str:
    seen = hashlib.sha256()
    async for chunk in download.chunks():
        seen.update(chunk)
    return seen.hexdigest()


def say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)  # noqa: T201 - what the parent reads


if __name__ == "__main__":
    limit = int(sys.argv[3])
    if limit:
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
    asyncio.run(keep(Path(sys.argv[1]), sys.argv[2], sys.argv[4:]))
