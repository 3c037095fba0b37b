"""Who takes nothing any more is given up: connections, open files and deleted spools are not held for ever."""

import asyncio
import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from aiohttp import web

from mirror.web import sending
from mirror.web.sending import send_chunks, send_file
from tests.mirror.web.loops import LOOPS, Factory, connected, run, serving

SIZE = 64 * 2**20


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sending, "_LONGEST_SILENCE_SECONDS", 0.5)


async def _much() -> AsyncIterator[bytes]:
    for _ in range(SIZE // 2**18):
        yield bytes(2**18)


@pytest.mark.parametrize("factory", LOOPS)
@pytest.mark.parametrize("by_kernel", [True, False])
def test_a_client_that_stops_taking_anything_is_given_up(factory: Factory, by_kernel: bool, tmp_path: Path) -> None:
    """However the body is sent; another client that goes on is not."""
    path = tmp_path / "object"
    path.touch()
    os.truncate(path, SIZE)

    async def work() -> None:
        outcomes: asyncio.Queue[bool] = asyncio.Queue()

        async def answer(request: web.Request) -> web.StreamResponse:
            sent = web.StreamResponse(headers={"Content-Length": str(SIZE)})
            descriptor = os.open(path, os.O_RDONLY)
            try:
                if by_kernel:
                    outcomes.put_nowait(await send_file(request, sent, descriptor, 0, SIZE))
                else:
                    outcomes.put_nowait(await send_chunks(request, sent, _much()))
            finally:
                os.close(descriptor)
            return sent

        async with serving(answer) as port, connected(port) as silent, connected(port) as other:
            silent.ask()
            await silent.head()
            given_up = await outcomes.get()
            other.ask()
            whole = await other.answer()
            taken = await outcomes.get()

        assert given_up is False
        assert (len(whole), taken) == (SIZE, True)

    run(factory, work())
