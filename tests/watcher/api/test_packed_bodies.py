"""Bodies that come packed are unpacked no further than may be, and only where they are wanted."""

import gzip
import zlib

import pytest
from aiohttp import ClientSession
from aiohttp.http_parser import DeflateBuffer

from mirror.setting_subscribers import Locks
from tests.watcher.houses import House
from watcher.serving import listening_socket, serving

LOCK = b"demo==1.0\n"
BOMB = gzip.compress(b"#" * (Locks().max_body + 1))


async def status_of(house: House, body: bytes, encoding: str, path: str = "/api/v1/check") -> int:
    """How it is answered."""
    headers = {"Content-Encoding": encoding, "Content-Type": "text/plain"}
    async with house.http.post(path, data=body, headers=headers) as answer:
        return answer.status


@pytest.mark.parametrize(
    ("body", "encoding", "status"),
    [
        (gzip.compress(LOCK), "gzip", 200),
        (zlib.compress(LOCK), "deflate", 200),
        (LOCK, "identity", 200),
        (LOCK, "br", 415),
        (LOCK, "gzip", 400),
        (gzip.compress(LOCK)[:-9], "gzip", 400),
        (gzip.compress(LOCK) + LOCK, "gzip", 400),
        (BOMB, "gzip", 413),
    ],
    ids=["gzip", "deflate", "plain", "unknown", "none", "half", "more behind", "too much"],
)
async def test_what_cannot_be_unpacked_is_refused(house: House, body: bytes, encoding: str, status: int) -> None:
    """Wholly, and with a status that says what is wrong with it."""
    assert await status_of(house, body, encoding) == status


async def test_what_nobody_reads_is_not_unpacked(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever is sent to where nothing is taken stays as it came."""
    unpacked: list[int] = []
    monkeypatch.setattr(DeflateBuffer, "feed_data", lambda *received: unpacked.append(len(received)))
    bound = listening_socket("127.0.0.1", 0, section="mirror")
    url = f"http://127.0.0.1:{bound.getsockname()[1]}/healthz"

    async with (
        serving(house.http.app, bound, access_log=False),
        ClientSession() as session,
        session.post(url, data=BOMB, headers={"Content-Encoding": "gzip"}) as answer,
    ):
        status = answer.status

    assert (status, unpacked) == (405, [])
