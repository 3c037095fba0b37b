"""A process that is to die while it puts: copies objects into a store until somebody kills it.

Arguments: the store's directory or `s3://` URL, a directory for spools, how many bytes an object has, and for a bucket
where its server is.
"""

import asyncio
import hashlib
import itertools
import sys
from pathlib import Path

from mirror.names import Sha256
from mirror.setting_sections import Store as StoreSettings
from mirror.store.directory import DirectoryStore
from mirror.store.interface import Store
from mirror.store.keys import StoreKey
from mirror.store.s3.store import opened
from tests.mirror.store.conftest import LIMITS
from tests.s3_server import REGION


async def main(place: str, spools: Path, size: int, endpoint_url: str = "") -> None:
    if not place.startswith("s3://"):
        await put_for_ever(DirectoryStore(Path(place)), spools, size)
        return
    settings = StoreSettings.model_validate({"url": place, "endpoint_url": endpoint_url, "region": REGION})
    async with opened(settings, limits=LIMITS) as store:
        await put_for_ever(store, spools, size)


async def put_for_ever(store: Store, spools: Path, size: int) -> None:
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
    asyncio.run(main(sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]), *sys.argv[4:]))
