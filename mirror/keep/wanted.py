"""What can be asked of the keeper, and what it says when it is done."""

import hashlib
from dataclasses import dataclass

from mirror.index.paths import Kind
from mirror.model import HashSource
from mirror.names import ProjectName, Sha256


@dataclass(frozen=True, slots=True)
class Wanted:
    """A file, or the sibling of one that `kind` says; `url` is then already that of the sibling.

    `sha256` and `size` are what was promised, as far as anything was; more than `most` bytes are refused.
    """

    url: str
    sha256: Sha256 | None
    size: int | None
    filename: str
    project: ProjectName
    version: str | None
    file_id: int
    kind: Kind = Kind.FILE
    most: int | None = None

    @property
    def name(self) -> str:
        """Whoever wants what has the same name can share a download.

        The URL and the size belong to it: a page that names somebody else's digest beside a dead link or a wrong size
        must not spoil the download of those who asked for it properly.
        """
        return f"{self.sha256} {self.size} {self.url}"

    @property
    def label(self) -> str:
        """The name as part of a path."""
        return hashlib.sha256(self.name.encode(errors="surrogatepass")).hexdigest()[:32]


@dataclass(frozen=True, slots=True)
class Kept:
    """The bytes are in the store. `hash_source` is SELF where nobody had promised a digest."""

    sha256: Sha256
    size: int
    hash_source: HashSource
