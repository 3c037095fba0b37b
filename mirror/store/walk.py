"""What a directory store holds, found by looking: no list is kept anywhere."""

import re
from collections.abc import Container, Iterator
from pathlib import Path

from mirror.store.durable import names_in, size_of
from mirror.store.interface import StoredObject
from mirror.store.keys import ACTS, FILES, SEALED, is_act_name, key_of_path

_PART_OF_DIGEST = re.compile(r"[0-9a-f]{2}")


def leaves(root: Path) -> Iterator[str]:
    """The directories of the lowest level, sealed or not, in order."""
    for first in _either(root, FILES):
        for second in _either(root, f"{FILES}/{first}"):
            yield f"{FILES}/{first}/{second}"


def objects_in(root: Path, leaf: str) -> list[StoredObject]:
    """The objects in such a directory, sealed ones included, in order."""
    return sorted(
        (stored for is_sealed in (False, True) for stored in _objects(root, leaf, is_sealed=is_sealed)),
        key=lambda stored: (stored.key.sha256, stored.is_sealed),
    )


def acts_in(root: Path, without: Container[str]) -> list[str]:
    """The names of the acts that are noted there but of those, in order."""
    return [name for name in names_in(root / ACTS) if is_act_name(name) and name not in without]


def beginning_of(path: Path, most: int) -> bytes:
    """The file's first bytes, all of them where there are not more."""
    with path.open("rb") as file:
        return file.read(most)


def _either(root: Path, below: str) -> list[str]:
    names = {*names_in(root / below), *names_in(root / SEALED / below)}
    return sorted(filter(_PART_OF_DIGEST.fullmatch, names))


def _objects(root: Path, leaf: str, *, is_sealed: bool) -> Iterator[StoredObject]:
    directory = root / SEALED / leaf if is_sealed else root / leaf
    for name in names_in(directory):
        key = key_of_path(f"{leaf}/{name}")
        # What else somebody put there is not ours; what is gone meanwhile is no object any more.
        if key is not None and (size := size_of(directory / name)) is not None:
            yield StoredObject(key, size, is_sealed)
