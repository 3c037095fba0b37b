"""Large bodies under every loop: sent by the kernel, to slow readers, and to those who go."""

import asyncio
import os
import random
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path

import pytest
from aiohttp import web

from mirror.errors import NotThereError, StoreError
from mirror.names import Sha256
from mirror.store.directory import DirectoryStore
from mirror.store.keys import StoreKey
from mirror.web.sending import begun_with, send_chunks, send_file
from tests.mirror.web.loops import LOOPS, Factory, connected, run, serving

SIZE = 8 * 2**20
BYTES = random.Random(14).randbytes(SIZE)  # noqa: S311 - no secret


class Sender:
    """Answers every request with a file, or a part of it, and notes how that went."""

    def __init__(self, path: Path, start: int = 0, stop: int = SIZE) -> None:
        self.path = path
        self.span = (start, stop)
        self.outcomes: list[bool | Exception] = []
        self.over = asyncio.Event()
        self.before = b""

    async def answer(self, request: web.Request) -> web.StreamResponse:
        """The file, with the right length."""
        start, stop = self.span
        sent = web.StreamResponse(headers={"Content-Length": str(stop - start)})
        descriptor = os.open(self.path, os.O_RDONLY)
        try:
            self.outcomes.append(await send_file(request, sent, descriptor, start, stop))
        except StoreError as e:
            self.outcomes.append(e)
        finally:
            os.close(descriptor)
            self.over.set()
        return sent


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A file of some megabytes, in which no part looks like another."""
    path = tmp_path / "object"
    path.write_bytes(BYTES)
    return path


@pytest.mark.parametrize("factory", LOOPS)
def test_the_kernel_sends_all_and_the_connection_goes_on(factory: Factory, file: Path) -> None:
    """Three answers on one connection, asked for at once, each whole and behind the other."""

    async def work() -> None:
        sender = Sender(file)
        async with serving(sender.answer) as port, connected(port) as client:
            for _ in range(3):
                client.ask()

            bodies = [await client.answer() for _ in range(3)]

        assert [body == BYTES for body in bodies] == [True] * 3
        assert sender.outcomes == [True] * 3

    run(factory, work())


@pytest.mark.parametrize("factory", LOOPS)
def test_no_byte_goes_through_python(factory: Factory, file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the loop can do about `sendfile` or not: the file is never read into memory."""
    reads: list[int] = []
    pread = os.pread

    def counted(descriptor: int, length: int, start: int) -> bytes:
        reads.append(length)
        return pread(descriptor, length, start)

    monkeypatch.setattr(os, "pread", counted)

    async def work() -> None:
        async with serving(Sender(file).answer) as port, connected(port) as client:
            client.ask()
            assert await client.answer() == BYTES

    run(factory, work())

    assert reads == []


@pytest.mark.parametrize("factory", LOOPS)
@pytest.mark.parametrize(("start", "stop"), [(0, 1), (SIZE - 1, SIZE), (12_345, 3_456_789)])
def test_a_part_is_what_was_asked_for(factory: Factory, file: Path, start: int, stop: int) -> None:
    """From its first byte to its last."""

    async def work() -> None:
        async with serving(Sender(file, start, stop).answer) as port, connected(port) as client:
            client.ask()
            assert await client.answer() == BYTES[start:stop]

    run(factory, work())


@pytest.mark.parametrize("factory", LOOPS)
def test_a_slow_reader_is_waited_for(factory: Factory, file: Path) -> None:
    """Nothing piles up for it in the server, which answers others meanwhile."""

    async def work() -> None:
        sender = Sender(file)
        async with serving(sender.answer) as port, connected(port) as slow, connected(port) as other:
            slow.ask()
            await slow.head()
            first = await slow.reader.readexactly(1000)
            other.ask()
            others = await other.answer()
            was_over = len(sender.outcomes)
            rest = await slow.reader.readexactly(SIZE - 1000)

        assert first + rest == others == BYTES
        assert was_over == 1
        assert sender.outcomes == [True, True]

    run(factory, work())


@pytest.mark.parametrize("factory", LOOPS)
def test_headers_that_could_not_go_out_yet_stay_before_the_body(factory: Factory, file: Path) -> None:
    """What the transport still has to write, as much as it is, is not overtaken by the kernel."""

    async def work() -> None:
        sender = Sender(file)

        async def answer(request: web.Request) -> web.StreamResponse:
            if request.path != "/file":
                return web.Response(body=BYTES)
            return await sender.answer(request)

        async with serving(answer) as port, connected(port) as client:
            client.ask("/memory")
            client.ask("/file")
            assert await client.answer() == BYTES
            assert await client.answer() == BYTES

    run(factory, work())


@pytest.mark.parametrize("factory", LOOPS)
def test_a_client_that_hangs_up_ends_the_sending(factory: Factory, file: Path) -> None:
    """It is noted that not all was taken; nothing is left open."""

    async def work() -> None:
        sender = Sender(file)
        open_before = _sockets()
        async with serving(sender.answer) as port:
            async with connected(port) as client:
                client.ask()
                await client.head()
            await sender.over.wait()
        while _sockets() > open_before:  # noqa: ASYNC110 - loops close in their own time
            await asyncio.sleep(0.01)

        assert sender.outcomes == [False]

    run(factory, work())


@pytest.mark.parametrize("factory", LOOPS)
def test_who_has_nothing_more_to_say_still_gets_the_file(factory: Factory, file: Path) -> None:
    """A client may close its side of the connection once it has asked."""

    async def work() -> None:
        async with serving(Sender(file).answer) as port, connected(port) as client:
            client.ask("/", "Connection: close")
            await client.head()
            client.writer.write_eof()
            assert await client.reader.readexactly(SIZE) == BYTES

    run(factory, work())


@pytest.mark.parametrize("factory", LOOPS)
def test_a_file_that_is_too_short_breaks_the_connection(factory: Factory, file: Path) -> None:
    """The client cannot take it for the whole."""

    async def work() -> None:
        sender = Sender(file, 0, SIZE + 1)
        async with serving(sender.answer) as port, connected(port) as client:
            client.ask()
            with pytest.raises((asyncio.IncompleteReadError, ConnectionError)):
                await client.answer()

        assert len(sender.outcomes) == 1
        assert isinstance(sender.outcomes[0], StoreError)

    run(factory, work())


@pytest.mark.parametrize("factory", LOOPS)
def test_a_server_that_stops_leaves_nothing_open(factory: Factory, file: Path) -> None:
    """Though a client that reads nothing is still being sent to."""

    async def work() -> None:
        sender = Sender(file)
        started = asyncio.Event()

        async def answer(request: web.Request) -> web.StreamResponse:
            asyncio.get_running_loop().call_later(0.1, started.set)
            return await sender.answer(request)

        runner = web.ServerRunner(web.Server(answer), handle_signals=False, shutdown_timeout=0.1)  # type: ignore[arg-type]  # a request is a request
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        open_before = _sockets()
        async with connected(runner.addresses[0][1]) as client:
            client.ask()
            await started.wait()
            await runner.cleanup()
            await sender.over.wait()
        while _sockets() >= open_before:  # noqa: ASYNC110 - loops close in their own time
            await asyncio.sleep(0.01)

        assert sender.outcomes in ([], [False])

    run(factory, work())


@pytest.mark.parametrize("factory", LOOPS)
def test_chunks_go_no_faster_than_they_are_taken(factory: Factory) -> None:
    """Of a body from afar no more is fetched than has room on the way."""

    async def work() -> None:
        made = 0
        outcomes: list[bool] = []

        async def chunks() -> AsyncIterator[bytes]:
            nonlocal made
            for start in range(0, SIZE, 2**16):
                made += 1
                yield BYTES[start : start + 2**16]

        async def answer(request: web.Request) -> web.StreamResponse:
            sent = web.StreamResponse(headers={"Content-Length": str(SIZE)})
            outcomes.append(await send_chunks(request, sent, chunks()))
            return sent

        async with serving(answer) as port:
            async with connected(port) as client:
                client.ask()
                body = await client.answer()
            whole = made
            async with connected(port) as client:
                client.ask()
                await client.head()
                await asyncio.sleep(0.2)
            while len(outcomes) < 2:  # noqa: ASYNC110 - the handler tells nobody
                await asyncio.sleep(0.01)

        assert body == BYTES
        assert whole == SIZE // 2**16
        assert made < 2 * whole
        assert outcomes == [True, False]

    run(factory, work())


async def test_what_fails_before_the_first_chunk_fails_before_the_answer(tmp_path: Path) -> None:
    """So that it can be told in words."""
    store = DirectoryStore(tmp_path)
    key = StoreKey(Sha256("0" * 64))

    with pytest.raises(NotThereError):
        await begun_with(store.read(key))


def _sockets() -> int:
    """How many this process has open."""
    found = 0
    for link in Path("/proc/self/fd").iterdir():
        with suppress(FileNotFoundError):
            found += str(link.readlink()).startswith("socket:")
    return found
