"""What the own store holds beside files is found again with them, and believed only where something vouches for it."""

import hashlib

import pytest

from mirror.besides import Besides
from mirror.names import ProjectName, Sha256
from mirror.offers import OfferedObject
from mirror.store.interface import StoredObject
from mirror.store.keys import Blob, StoreKey
from tests.pypi_sim import File
from tests.watcher.houses import House, long_ago


async def offered(house: House, file: File, body: bytes, suffix: str, *, is_stored: bool = True) -> OfferedObject:
    """An object in the house's store that is said to stand beside the file."""
    key = StoreKey(Sha256(hashlib.sha256(body).hexdigest()))
    spool = house.settings.spool_dir / "beside"
    spool.write_bytes(body)
    await house.supply.store.put(spool, key)
    blob = Blob(f"{file.filename}{suffix}", ProjectName(file.project), file.version)
    return OfferedObject(house.supply.store, StoredObject(key, len(body), is_sealed=False, blob=blob), is_stored)


async def stored_alone(house: House) -> File:
    """A file whose bytes are in the store, and nothing of what stands beside it."""
    pypi = house.pypi
    file = pypi.upload("demo", "1.0", uploaded_at=long_ago(pypi, days=200), provenance=True)
    pypi.faults.answer_with(f"{file.filename}.metadata", 503)
    await house.poll()
    assert (await house.get(await house.url("demo", file.filename)))[1] == file.content
    return file


def besides(house: House) -> Besides:
    return Besides(house.catalog, rules=house.rules, now=house.pypi.now)


async def test_metadata_outlives_the_database_and_the_deletion(house: House) -> None:
    """Without a request to upstream."""
    file = await stored_alone(house)
    assert file.metadata is not None
    taking = besides(house)

    is_beside = taking.take(await offered(house, file, file.metadata, ".metadata"))
    taken_in = await taking.end()
    house.pypi.delete_release("demo", "1.0")
    await house.poll()

    assert (is_beside, taken_in) == (True, 1)
    assert await house.get(f"{file.path}.metadata") == (200, file.metadata)


@pytest.mark.parametrize("suffix", [".metadata", ".provenance"])
async def test_what_something_speaks_against_is_not_believed(house: House, suffix: str) -> None:
    """Metadata with another digest than the index names, and provenance that is none."""
    file = await stored_alone(house)
    taking = besides(house)

    taking.take(await offered(house, file, b"Metadata-Version: 9.9\n", suffix))
    taken_in = await taking.end()

    (known,) = (await house.memory("demo")).files
    assert taken_in == 0
    assert (known.metadata_stored_at, known.provenance_sha256) == (None, None)


async def test_provenance_comes_back_with_its_file(house: House) -> None:
    """As it was stored."""
    file = await stored_alone(house)
    body = b'{"version":1,"attestation_bundles":[]}'
    taking = besides(house)

    taking.take(await offered(house, file, body, ".provenance"))

    assert await taking.end() == 1
    assert await house.get(f"{file.path}.provenance") == (200, body)


async def test_what_lies_elsewhere_is_a_file_like_any_other(house: House) -> None:
    """Nobody but this mirror knows what it put beside a file."""
    file = await stored_alone(house)
    taking = besides(house)

    is_beside = taking.take(await offered(house, file, b"whatever", ".metadata", is_stored=False))

    assert not is_beside
    assert await taking.end() == 0
