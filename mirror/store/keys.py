"""How objects are named. Only a checked digest ever becomes part of a path: no text that upstream made up does."""

from dataclasses import dataclass

from mirror.names import ProjectName, Sha256, sha256


@dataclass(frozen=True, slots=True)
class StoreKey:
    """Names the one object with these bytes; `str()` is its path in the store, a fixed layout."""

    sha256: Sha256

    def __post_init__(self) -> None:
        if sha256(self.sha256) != self.sha256:
            raise ValueError("a store key needs 64 lower-case hexadecimal digits")

    def __str__(self) -> str:
        digest = self.sha256
        return f"files/{digest[:2]}/{digest[2:4]}/{digest}"


@dataclass(frozen=True, slots=True)
class Blob:
    """What a store with metadata notes beside an object, so that a human finds out what it is. Nothing relies on it."""

    filename: str
    project: ProjectName
    version: str | None
