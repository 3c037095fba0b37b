"""Bytes that changed in the store after they were verified are not served as what they were."""

from collections.abc import Callable
from pathlib import Path

import aiohttp
import pytest

from mirror.index.paths import Kind
from mirror.model import State
from mirror.names import Sha256
from mirror.store.keys import StoreKey
from mirror.web.file_memory import Servable
from tests.mirror.web.clients import ask
from tests.mirror.web.far_store import FarStore
from tests.mirror.web.test_stored_files import LARGE, SMALL, Desk, desk_of
from tests.pypi_sim import PyPISim
from tests.watcher.houses import House, long_ago


def _changed(body: bytes) -> bytes:
    """As many bytes, of which the last is another."""
    return body[:-1] + bytes([body[-1] ^ 1])


@pytest.mark.parametrize("headers", [{}, {"Range": "bytes=0-9"}], ids=["whole", "part"])
@pytest.mark.parametrize("kind", ["near", "far"])
async def test_a_small_object_that_changed_is_refused_whole_and_in_parts(
    kind: str, headers: dict[str, str], tmp_path: Path
) -> None:
    """And does not get into memory; one that is mended is served again."""
    desk = await desk_of(kind, tmp_path, SMALL)
    change = _changer(desk)
    change(_changed(SMALL))

    async with desk.asked(**headers) as got:
        assert got.status == 503
    assert desk.file.whole is None
    change(SMALL)
    async with desk.asked() as got:
        assert await got.read() == SMALL


async def test_a_large_object_that_changed_in_a_bucket_is_never_completed() -> None:
    """Its last bytes are held back until all of them are known to be right; nothing stays open."""
    far = FarStore()
    desk = Desk(far, Servable(State.LIVE, far.add(LARGE), len(LARGE), Kind.FILE, 7))
    far.replace(desk.file.key, bytes([LARGE[0] ^ 1]) + LARGE[1:])

    async with desk.asked() as got:
        with pytest.raises(aiohttp.ClientPayloadError):
            await got.read()

    assert desk.counts.counted == []
    assert far.is_open == 0


async def test_an_object_nobody_saw_arrive_is_not_handed_out_unseen(house: House, pypi: PyPISim) -> None:
    """What stands in the store under a file's digest may have been put there by anybody."""
    file = pypi.upload("demo", "1.0", uploaded_at=long_ago(pypi, days=200), payload_size=300_000)
    await house.poll()
    spool = house.settings.spool_dir / "planted"
    spool.write_bytes(_changed(file.content))
    await house.supply.store.put(spool, StoreKey(Sha256(file.sha256)))
    spool.unlink()

    with pytest.raises(aiohttp.ClientError):
        await ask(house, await house.url("demo", file.filename))


def _changer(desk: Desk) -> Callable[[bytes], None]:
    path = desk.store.local_path(desk.file.key)
    if path is None:
        assert isinstance(desk.store, FarStore)
        far = desk.store
        return lambda body: far.replace(desk.file.key, body)

    def write(body: bytes) -> None:
        path.write_bytes(body)

    return write
