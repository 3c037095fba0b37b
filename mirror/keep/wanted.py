"""What can be asked of the keeper, and what it says when it is done."""

from dataclasses import dataclass

from mirror.index.paths import Kind
from mirror.model import HashSource
from mirror.names import ProjectName, Sha256


@dataclass(frozen=True, slots=True)
class Wanted:
    """A file, or the sibling of one that `kind` says; `url` is then already that of the sibling.

    `sha256` and `size` are what was promised, as far as anything was.
    """

    url: str
    sha256: Sha256 | None
    size: int | None
    filename: str
    project: ProjectName
    version: str | None
    file_id: int
    kind: Kind = Kind.FILE


@dataclass(frozen=True, slots=True)
class Kept:
    """The bytes are in the store. `hash_source` is SELF where nobody had promised a digest."""

    sha256: Sha256
    size: int
    hash_source: HashSource
