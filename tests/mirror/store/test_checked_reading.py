"""What a store hands out is not believed where the whole of it is read."""

import random
from collections.abc import AsyncIterator
from hashlib import sha256

import pytest

from mirror.errors import NotThereError, StoreError
from mirror.names import Sha256
from mirror.store.checked import checked, read_whole
from mirror.store.keys import StoreKey
from tests.mirror.web.far_store import FarStore

BODY = random.Random(5).randbytes(700_000)  # noqa: S311 - no secret
KEY = StoreKey(Sha256(sha256(BODY).hexdigest()))


async def _pieces(body: bytes, length: int = 100_000) -> AsyncIterator[bytes]:
    for start in range(0, len(body), length):
        yield body[start : start + length]


@pytest.mark.parametrize("body", [BODY, b"", b"a"])
async def test_the_right_bytes_come_as_they_are(body: bytes) -> None:
    """In the chunks that they came in, also where there are none."""
    key = StoreKey(Sha256(sha256(body).hexdigest()))

    assert [chunk async for chunk in checked(key, len(body), _pieces(body))] == [chunk async for chunk in _pieces(body)]


@pytest.mark.parametrize(
    "wrong", [BODY[:-1] + bytes([BODY[-1] ^ 1]), bytes([BODY[0] ^ 1]) + BODY[1:], BODY[:-1], BODY + b"!", b""]
)
async def test_wrong_bytes_never_come_to_their_end(wrong: bytes) -> None:
    """Whatever is wrong with them: other bytes, fewer or more."""
    came = bytearray()

    async def take() -> None:
        async for chunk in checked(KEY, len(BODY), _pieces(wrong)):
            came.extend(chunk)

    with pytest.raises(StoreError):
        await take()

    assert len(came) < len(BODY)


async def test_a_small_object_is_read_only_as_what_was_stored() -> None:
    """Another object in its place is an error, and none is as of any store."""
    far = FarStore()
    key = far.add(b"metadata")
    assert await read_whole(far, key) == b"metadata"
    far.replace(key, b"meta-lie")

    with pytest.raises(StoreError, match="other bytes than were stored"):
        await read_whole(far, key)
    with pytest.raises(NotThereError):
        await read_whole(far, KEY)
