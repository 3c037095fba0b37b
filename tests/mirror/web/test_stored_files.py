"""What the store has is answered alike from every store: near or far, small or large, whole or in parts."""

import asyncio
import os
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web

from mirror.errors import StoreError
from mirror.index.paths import Kind
from mirror.model import State
from mirror.names import Sha256
from mirror.store.directory import DirectoryStore
from mirror.store.interface import Store
from mirror.store.keys import StoreKey
from mirror.web import problems
from mirror.web.downloads import DownloadCounts
from mirror.web.file_memory import Servable
from mirror.web.stored_files import answer
from tests.mirror.web.far_store import FarStore
from tests.mirror.web.loops import LOOPS, Factory, connected, run, serving

SMALL = random.Random(1).randbytes(20_000)  # noqa: S311 - no secret
LARGE = random.Random(2).randbytes(5 * 2**20)  # noqa: S311 - no secret
ETAG = f'"{sha256(LARGE).hexdigest()}"'


class _Counts(DownloadCounts):
    def __init__(self) -> None:
        self.counted: list[int] = []

    def count(self, file_id: int) -> None:
        self.counted.append(file_id)


@dataclass
class Desk:
    """Answers every request with one file of one store."""

    store: Store
    file: Servable
    counts: _Counts = field(default_factory=_Counts)

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """The answer as everpin gives it; 410 stands for: the store lacks it."""
        try:
            sent = await answer(request, self.file, self.store, self.counts)
        except StoreError:
            return problems.response(problems.Problem(503, "Temporarily Unavailable"))
        return sent or web.Response(status=410)

    @asynccontextmanager
    async def asked(self, method: str = "GET", **headers: str) -> AsyncIterator[aiohttp.ClientResponse]:
        """The answer to one request; `_` in the names of headers stands for `-`."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        async with serving(self.handle) as port, aiohttp.ClientSession() as session:
            url = f"http://127.0.0.1:{port}/"
            async with session.request(method, url, headers=named, allow_redirects=False) as got:
                yield got


async def desk_of(kind: str, tmp_path: Path, body: bytes) -> Desk:
    """One whose file is in a store of that kind."""
    if kind == "far":
        far = FarStore()
        return Desk(far, Servable(State.LIVE, far.add(body), len(body), Kind.FILE, 7))
    store = DirectoryStore(tmp_path / "store")
    await store.check()
    spool = tmp_path / "spool"
    spool.write_bytes(body)
    key = StoreKey(Sha256(sha256(body).hexdigest()))
    await store.put(spool, key)
    return Desk(store, Servable(State.LIVE, key, len(body), Kind.FILE, 7))


@pytest.mark.parametrize("factory", LOOPS)
@pytest.mark.parametrize("body", [SMALL, LARGE, b""], ids=["small", "large", "empty"])
@pytest.mark.parametrize("kind", ["near", "far"])
def test_the_whole_is_sent_and_counted(factory: Factory, kind: str, body: bytes, tmp_path: Path) -> None:
    """With all that clients and caches want to know of it; HEAD says the same and is no download."""

    async def work() -> None:
        desk = await desk_of(kind, tmp_path, body)
        for method in ("HEAD", "GET"):
            assert desk.counts.counted == []
            async with desk.asked(method) as got:
                assert (got.status, await got.read()) == (200, body if method == "GET" else b"")
                assert got.headers["Content-Length"] == str(len(body))
                assert got.headers["ETag"] == f'"{sha256(body).hexdigest()}"'
                assert got.headers["Accept-Ranges"] == "bytes"
                assert got.headers["Cache-Control"] == "public, max-age=600"
                assert got.headers["Content-Type"] == "application/octet-stream"
                assert got.headers["Content-Disposition"] == "attachment"
                assert got.headers["X-Everpin-State"] == "live"
                assert got.headers["X-Everpin-Cache"] == "hit"
                assert "Last-Modified" not in got.headers
                assert "Transfer-Encoding" not in got.headers
        assert desk.counts.counted == [7]

    run(factory, work())


@pytest.mark.parametrize("factory", LOOPS)
@pytest.mark.parametrize("body", [SMALL, LARGE], ids=["small", "large"])
@pytest.mark.parametrize("kind", ["near", "far"])
def test_parts_are_cut_out(factory: Factory, kind: str, body: bytes, tmp_path: Path) -> None:
    """206 with what was asked for, 416 beyond the end, the whole where several are asked for; whole ones count."""

    async def work() -> None:
        size = len(body)
        desk = await desk_of(kind, tmp_path, body)
        cases = [
            ("bytes=100-199", 206, f"bytes 100-199/{size}", body[100:200]),
            ("bytes=-50", 206, f"bytes {size - 50}-{size - 1}/{size}", body[-50:]),
            (f"bytes=1-{size * 2}", 206, f"bytes 1-{size - 1}/{size}", body[1:]),
            (f"bytes={size}-", 416, f"bytes */{size}", b""),
        ]
        for asked, status, told, part in cases:
            async with desk.asked(Range=asked) as got:
                assert (got.status, await got.read()) == (status, part)
                assert got.headers["Content-Range"] == told
                assert got.headers["Content-Length"] == str(len(part))
        assert desk.counts.counted == []
        async with desk.asked(Range="bytes=0-1,3-4") as got:
            assert (got.status, await got.read()) == (200, body)
        async with desk.asked(Range="bytes=0-") as got:
            assert (got.status, await got.read()) == (206, body)
        async with desk.asked("HEAD", Range="bytes=0-9") as got:
            assert (got.status, got.headers["Content-Length"]) == (200, str(size))
        assert desk.counts.counted == [7, 7]

    run(factory, work())


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"If_None_Match": ETAG}, 304),
        ({"If_None_Match": f'"x", W/{ETAG}'}, 304),
        ({"If_None_Match": "*"}, 304),
        ({"If_None_Match": ETAG, "Range": "bytes=0-1"}, 304),
        ({"If_None_Match": '"x"'}, 200),
        ({"If_Modified_Since": "Sat, 29 Oct 2044 19:43:31 GMT"}, 200),
        ({"If_Match": '"x"'}, 412),
        ({"If_Match": '"x"', "If_None_Match": ETAG}, 412),
        ({"If_Match": ETAG}, 200),
        ({"If_Range": ETAG, "Range": "bytes=0-1"}, 206),
        ({"If_Range": '"x"', "Range": "bytes=0-1"}, 200),
        ({"If_Range": f"W/{ETAG}", "Range": "bytes=0-1"}, 200),
        ({"If_Range": "Sat, 29 Oct 2044 19:43:31 GMT", "Range": f"bytes={2**40}-"}, 200),
    ],
)
async def test_conditions_are_kept(tmp_path: Path, headers: dict[str, str], status: int) -> None:
    """In the order of RFC 9110 section 13.2.2."""
    desk = await desk_of("near", tmp_path, LARGE)

    async with desk.asked(**headers) as got:
        assert got.status == status
        assert got.headers["ETag"] == ETAG
        assert got.headers["Cache-Control"] == "public, max-age=600"
        assert len(await got.read()) == {200: len(LARGE), 206: 2}.get(status, 0)


async def test_only_what_was_asked_for_is_read_from_afar() -> None:
    """The store is asked for the part, and for no byte that nobody wants."""
    far = FarStore()
    desk = Desk(far, Servable(State.LIVE, far.add(LARGE), len(LARGE), Kind.FILE, 7))

    async with desk.asked(Range="bytes=1000000-1999999") as got:
        assert await got.read() == LARGE[1_000_000:2_000_000]

    assert far.reads == [(1_000_000, 2_000_000)]
    assert far.handed_out == 1_000_000


async def test_a_small_file_is_read_once() -> None:
    """Then it is in memory, parts of it included."""
    far = FarStore()
    desk = Desk(far, Servable(State.LIVE, far.add(SMALL), len(SMALL), Kind.FILE, 7))

    for headers in ({}, {}, {"Range": "bytes=5-9"}):
        async with desk.asked(**headers) as got:
            assert got.ok

    assert len(far.reads) == 1


@pytest.mark.parametrize("body", [SMALL, LARGE], ids=["small", "large"])
@pytest.mark.parametrize("kind", ["near", "far"])
async def test_what_the_store_lost_is_noticed_before_anything_is_sent(kind: str, body: bytes, tmp_path: Path) -> None:
    """So that it can be fetched instead."""
    desk = await desk_of(kind, tmp_path, body)
    await desk.store.delete(desk.file.key)

    async with desk.asked() as got:
        assert got.status == 410
    assert desk.counts.counted == []


@pytest.mark.parametrize("body", [SMALL, LARGE], ids=["small", "large"])
async def test_what_became_shorter_in_the_store_is_as_good_as_lost(body: bytes, tmp_path: Path) -> None:
    """It is not what its length said."""
    desk = await desk_of("near", tmp_path, body)
    path = desk.store.local_path(desk.file.key)
    assert path is not None
    os.truncate(path, len(body) - 1)

    async with desk.asked() as got:
        assert got.status == 410


async def test_a_store_that_breaks_off_breaks_the_connection() -> None:
    """Before the first byte it is an answer in words; nothing is counted and nothing stays open."""
    far = FarStore()
    desk = Desk(far, Servable(State.LIVE, far.add(LARGE), len(LARGE), Kind.FILE, 7))
    far.breaks_at = 0
    async with desk.asked() as got:
        assert got.status == 503
    far.breaks_at = 2**20

    async with desk.asked() as got:
        with pytest.raises(aiohttp.ClientPayloadError):
            await got.read()

    assert desk.counts.counted == []
    assert far.is_open == 0


async def test_who_reads_slowly_from_afar_costs_no_memory() -> None:
    """No more is taken from the store than the client takes; when it goes the store is let go."""
    far = FarStore()
    body = LARGE * 8
    desk = Desk(far, Servable(State.LIVE, far.add(body), len(body), Kind.FILE, 7))

    async with serving(desk.handle) as port:
        async with connected(port) as client:
            client.ask()
            await client.head()
            before = -1
            while far.handed_out > before:
                before = far.handed_out
                await asyncio.sleep(0.1)
        while far.is_open:  # noqa: ASYNC110 - the handler tells nobody
            await asyncio.sleep(0.01)

    assert before < len(body)
    assert desk.counts.counted == []


@pytest.mark.parametrize("body", [SMALL, LARGE], ids=["small", "large"])
async def test_clients_are_sent_to_where_the_bytes_are(body: bytes) -> None:
    """With an address that nobody may remember; who has the file, and who only asks about it, is answered here."""
    far = FarStore(elsewhere="https://bucket.example.org")
    desk = Desk(far, Servable(State.KEPT, far.add(body), len(body), Kind.FILE, 7))

    async with desk.asked(Range="bytes=0-9") as part:
        counted_then = list(desk.counts.counted)
    async with desk.asked() as whole:
        pass
    async with desk.asked("HEAD") as head:
        pass
    async with desk.asked(If_None_Match=desk.file.etag) as unchanged:
        pass

    for got in (part, whole):
        assert got.status == 302
        assert got.headers["Location"] == f"https://bucket.example.org/{desk.file.key}?signature=abc"
        assert got.headers["Cache-Control"] == "no-store"
        assert got.headers["X-Everpin-State"] == "kept"
    assert (head.status, head.headers["Content-Length"]) == (200, str(len(body)))
    assert unchanged.status == 304
    assert counted_then == []
    assert desk.counts.counted == [7]
    assert far.reads == []


@pytest.mark.parametrize("kind", [Kind.METADATA, Kind.PROVENANCE])
async def test_siblings_are_never_elsewhere_and_no_downloads(kind: Kind) -> None:
    """They are small, and a resolver asks for hundreds of them."""
    far = FarStore(elsewhere="https://bucket.example.org")
    desk = Desk(far, Servable(State.LIVE, far.add(SMALL), len(SMALL), kind, 7))

    async with desk.asked() as got:
        assert (got.status, await got.read()) == (200, SMALL)
    assert desk.counts.counted == []
