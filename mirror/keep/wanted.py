"""What can be asked of the keeper, and what it says when it is done."""

from dataclasses import dataclass

from mirror.model import HashSource
from mirror.names import ProjectName, Sha256


@dataclass(frozen=True, slots=True)
class Wanted:
    """A file, or its metadata file (PEP 658) where `metadata` is set; `url` is then already that of the metadata.

    `sha256` and `size` are what was promised, as far as anything was.
    """

    url: str
    sha256: Sha256 | None
    size: int | None
    filename: str
    project: ProjectName
    version: str | None
    file_id: int
    metadata: bool = False


@dataclass(frozen=True, slots=True)
class Kept:
    """The bytes are in the store. `hash_source` is SELF where nobody had promised a digest."""

    sha256: Sha256
    size: int
    hash_source: HashSource
