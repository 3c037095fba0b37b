"""How objects are named. Only a checked digest ever becomes part of a path: no text that upstream made up does."""

import re
from dataclasses import dataclass

from mirror.names import ProjectName, Sha256, sha256

FILES = "files"
"""Below it are the objects, by their digests."""
SEALED = "sealed"
"""Below it are sealed objects, in the same layout."""
ACTS = "acts"
"""Below it are operators' acts."""

_ACT_NAME = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]{0,199}")


@dataclass(frozen=True, slots=True)
class StoreKey:
    """Names the one object with these bytes; `str()` is its path in the store, a fixed layout."""

    sha256: Sha256

    def __post_init__(self) -> None:
        if sha256(self.sha256) != self.sha256:
            raise ValueError("a store key needs 64 lower-case hexadecimal digits")

    def __str__(self) -> str:
        digest = self.sha256
        return f"{FILES}/{digest[:2]}/{digest[2:4]}/{digest}"

    @property
    def sealed(self) -> str:
        """Its path while it is sealed."""
        return f"{SEALED}/{self}"


@dataclass(frozen=True, slots=True)
class Blob:
    """What a store with metadata notes beside an object, so that a human finds out what it is. Nothing relies on it."""

    filename: str
    project: ProjectName
    version: str | None


def key_of_path(path: str) -> StoreKey | None:
    """The key that has this path, None where the path is not one of an unsealed object."""
    try:
        key = StoreKey(Sha256(path.rpartition("/")[2]))
    except ValueError:
        return None
    return key if str(key) == path else None


def act_path(name: str) -> str:
    """The path of an act; ValueError where that cannot be its name."""
    if not is_act_name(name):
        raise ValueError("the name of an act consists of letters, digits, dots, dashes and underscores")
    return f"{ACTS}/{name}"


def is_act_name(name: str) -> bool:
    """Whether an act can have that name; none begins with a dot."""
    return _ACT_NAME.fullmatch(name) is not None
