"""A process that is to die while it puts: copies objects into a store until somebody kills it.

Arguments: the store's directory, a directory for spools, and how many bytes an object has.
"""

import asyncio
import hashlib
import itertools
import sys
from pathlib import Path

from mirror.names import Sha256
from mirror.store.directory import DirectoryStore
from mirror.store.keys import StoreKey


async def put_for_ever(root: Path, spools: Path, size: int) -> None:
    store = DirectoryStore(root)
    await store.check()
    for number in itertools.count():
        body = number.to_bytes(8, "big") * (size // 8)
        key = StoreKey(Sha256(hashlib.sha256(body).hexdigest()))
        spool = spools / f"{number}"
        spool.write_bytes(body)
        print(f"putting {key}", flush=True)  # noqa: T201 - how the parent learns where we are
        await store.put(spool, key)
        print(f"put {key}", flush=True)  # noqa: T201 - see above
        spool.unlink()


if __name__ == "__main__":
    asyncio.run(put_for_ever(Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3])))
