"""Content too large to be held: made while it is sent, the same each time."""

import hashlib
import random
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

_BLOCK = 2**20
_NUMBER = 8


@dataclass(frozen=True, slots=True)
class Digests:
    """What a file's page tells of its bytes, in hexadecimal digits."""

    sha256: str
    md5: str
    blake2b_256: str


@dataclass(frozen=True, slots=True)
class Generated:
    """`size` bytes that follow from `seed`. No two blocks are alike, so that none can take another's place."""

    seed: str
    size: int

    def chunks(self, start: int = 0, stop: int | None = None) -> Iterator[bytes]:
        """The bytes from `start` up to but without `stop` (None: the end), block by block."""
        end = self.size if stop is None else min(stop, self.size)
        filler = random.Random(self.seed).randbytes(_BLOCK - _NUMBER)  # noqa: S311 - filler that must repeat, not a secret
        while start < end:
            number, begin = divmod(start, _BLOCK)
            piece = (number.to_bytes(_NUMBER) + filler)[begin : begin + end - start]
            yield piece
            start += len(piece)


def digests_of(chunks: Iterable[bytes]) -> Digests:
    """The digests of all bytes, in one pass."""
    sha256, md5, blake2b = hashlib.sha256(), hashlib.md5(usedforsecurity=False), hashlib.blake2b(digest_size=32)
    for chunk in chunks:
        for digest in (sha256, md5, blake2b):
            digest.update(chunk)
    return Digests(sha256.hexdigest(), md5.hexdigest(), blake2b.hexdigest())
