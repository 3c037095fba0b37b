"""Writing keeps up with what arrives, in order, and whoever brings more than it can take has to wait."""

import asyncio
import hashlib
import threading
from collections.abc import Iterable
from pathlib import Path

from mirror.keep.spool import Spool
from mirror.keep.writer import Writer
from tests.mirror.keep.conftest import until

CHUNKS = [bytes([number]) * 300_000 for number in range(40)]


class StuckSpool(Spool):
    """A spool that writes nothing before `goes_on` is set."""

    def __init__(self, directory: Path) -> None:
        super().__init__(directory, "stuck")
        self.is_stuck = threading.Event()
        self.goes_on = threading.Event()

    def append(self, chunks: Iterable[bytes]) -> None:
        self.is_stuck.set()
        self.goes_on.wait()
        super().append(chunks)


async def put_all(writer: Writer, put: list[bytes]) -> None:
    for chunk in CHUNKS:
        await writer.put(chunk)
        put.append(chunk)


async def test_who_brings_more_than_can_be_written_waits(tmp_path: Path) -> None:
    """A slow disk slows the download down instead of filling the memory, and all is there in the end."""
    spool = StuckSpool(tmp_path)
    spool.open()
    writer = Writer(spool)
    put: list[bytes] = []
    bringing = asyncio.create_task(put_all(writer, put))
    try:
        await until(spool.is_stuck.is_set)
        await until(lambda: writer._is_full)

        assert sum(map(len, put)) < 4 * 2**20
        spool.goes_on.set()
        await bringing
        await writer.end()
        assert spool.read(0, 2 * spool.size) == b"".join(CHUNKS)
        assert writer.sha256() == hashlib.sha256(b"".join(CHUNKS)).hexdigest()
    finally:
        spool.goes_on.set()
        await writer.stop()
        spool.close()


async def test_more_than_one_thread_call_takes_is_hashed_as_a_whole() -> None:
    """A call gives its thread back after a while; the next one goes on where it ended."""
    writer = Writer(None)
    calls = 4
    for _ in range(calls):
        await put_all(writer, [])

    await writer.end()

    assert writer.sha256() == hashlib.sha256(b"".join(CHUNKS) * calls).hexdigest()


async def test_what_comes_after_a_pause_is_written_too(tmp_path: Path) -> None:
    """The thread does not stay for a download that has nothing for it, and comes back when it has."""
    spool = Spool(tmp_path, "paused")
    spool.open()
    writer = Writer(spool)
    try:
        for chunk in CHUNKS[:3]:
            await writer.put(chunk)
            await writer.end()

        assert spool.read(0, 2 * spool.size) == b"".join(CHUNKS[:3])
    finally:
        await writer.stop()
        spool.close()
