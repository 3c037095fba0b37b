"""A keeper with an upstream that says what it is told to, and clients who look at every byte they get."""

import asyncio
import hashlib
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from packaging.utils import canonicalize_name

from mirror.catalog.claims import Claims
from mirror.errors import CatalogUnavailableError, EverpinError, RefusedError
from mirror.keep import Download, Keeper, Kept, Means, Wanted
from mirror.names import Sha256
from mirror.setting_sections import Upstream
from mirror.store.directory import DirectoryStore
from mirror.store.keys import StoreKey
from mirror.upstream.session import UpstreamSession
from tests.mirror.upstream.canned_upstream import CannedUpstream, canned_upstream

MAX_FILE_SIZE = 64 * 2**20


@dataclass
class House:
    """A keeper with all that it needs; what it records stands in `recorded`."""

    keeper: Keeper
    means: Means
    store: DirectoryStore
    session: UpstreamSession
    upstream: CannedUpstream
    spool_dir: Path
    recorded: list[tuple[Wanted, Kept]] = field(default_factory=list)
    allowed: list[tuple[Wanted, Kept]] = field(default_factory=list)
    catalog_is_down: bool = False
    refuses: bool = False

    async def record(self, wanted: Wanted, kept: Kept) -> None:
        if self.catalog_is_down:
            raise CatalogUnavailableError("the catalog is down")
        # Never before the bytes are there for good.
        assert await self.store.size(StoreKey(kept.sha256)) == kept.size
        self.recorded.append((wanted, kept))

    async def allow(self, wanted: Wanted, kept: Kept) -> None:
        if self.refuses:
            raise RefusedError("these bytes were blocked")
        self.allowed.append((wanted, kept))

    async def recorded_digest(self, wanted: Wanted) -> Sha256 | None:
        """What the catalog would know: the digest under which the file was recorded."""
        return next((kept.sha256 for noted, kept in self.recorded if noted.file_id == wanted.file_id), None)

    async def allowed_hosts(self) -> tuple[str, ...]:
        return (self.upstream.host,)

    def wanted(self, body: bytes, *, path: str = "/f", sized: bool = True, hashed: bool = True) -> Wanted:
        """A file with these bytes, as a page would promise it."""
        return Wanted(
            url=self.upstream.url + path,
            sha256=Sha256(hashlib.sha256(body).hexdigest()) if hashed else None,
            size=len(body) if sized else None,
            filename="leftpad-1.0.tar.gz",
            project=canonicalize_name("leftpad"),
            version="1.0",
            file_id=1,
        )

    async def stored(self, body: bytes) -> bytes | None:
        """What the store holds under the digest of `body`."""
        key = StoreKey(Sha256(hashlib.sha256(body).hexdigest()))
        if await self.store.size(key) is None:
            return None
        return b"".join([chunk async for chunk in self.store.read(key)])

    def spooled(self) -> list[Path]:
        return list(self.spool_dir.iterdir()) if self.spool_dir.exists() else []


async def until(condition: Callable[[], bool]) -> None:
    """Waits for it, half a minute at most."""
    for _ in range(3000):
        if condition():
            return
        await asyncio.sleep(0.01)
    raise AssertionError("waited in vain")


@asynccontextmanager
async def house_of(
    upstream: CannedUpstream, directory: Path, *, claims: Claims | None = None, spool: str = "spool"
) -> AsyncIterator[House]:
    """A house; several may stand in one directory, as several processes of a host would."""
    async with UpstreamSession(Upstream()) as session:
        store = DirectoryStore(directory / "store")
        await store.check()
        recorded: list[tuple[Wanted, Kept]] = []

        async def record(wanted: Wanted, kept: Kept) -> None:
            await made.record(wanted, kept)

        async def allow(wanted: Wanted, kept: Kept) -> None:
            await made.allow(wanted, kept)

        async def allowed_hosts() -> tuple[str, ...]:
            return await made.allowed_hosts()

        async def recorded_digest(wanted: Wanted) -> Sha256 | None:
            return await made.recorded_digest(wanted)

        means = Means(
            session=session,
            store=store,
            spool_dir=directory / spool,
            allowed_hosts=allowed_hosts,
            max_file_size=MAX_FILE_SIZE,
            record=record,
            allow=allow,
            recorded=recorded_digest,
            claims=claims or Claims(),
            patience_seconds=13.0,
        )
        made = House(Keeper(means), means, store, session, upstream, directory / spool, recorded)
        yield made
        await made.keeper.close()


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    async with canned_upstream() as upstream, house_of(upstream, tmp_path) as made:
        yield made


BODY = b"".join(n.to_bytes(4, "big") for n in range(500_000))
PIECES = [BODY[at : at + 300_000] for at in range(0, len(BODY), 300_000)]


async def whole(download: Download) -> bytes:
    return b"".join([chunk async for chunk in download.chunks()])


async def seen_before_failing(download: Download, expected: type[EverpinError]) -> bytes:
    """The bytes that were handed out before the promised error."""
    seen = bytearray()

    async def read() -> None:
        async for chunk in download.chunks():
            seen.extend(chunk)

    with pytest.raises(expected):
        await read()
    return bytes(seen)
