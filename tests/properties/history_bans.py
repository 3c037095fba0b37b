"""What operators and advisories say of files, as everpin must understand it: blocks, tombstones, and who is malware."""

from dataclasses import dataclass, field
from datetime import datetime

from packaging.version import Version

from tests.properties.history_nouns import Entry


@dataclass(frozen=True)
class Aim:
    """What an operator's act is about: a project, one version of it, or exactly these bytes."""

    project: str | None
    version: str | None = None
    sha256: str | None = None

    @property
    def text(self) -> str:
        """The target as an operator writes it."""
        if self.sha256 is not None:
            return f"sha256:{self.sha256}"
        return f"{self.project}=={self.version}" if self.version is not None else f"{self.project}"

    def covers(self, project: str, entry: Entry) -> bool:
        """Whether the file is meant."""
        if self.sha256 is not None:
            return entry.sha256 == self.sha256
        return self.project == project and (self.version is None or Version(self.version) == Version(entry.version))

    def includes(self, other: "Aim") -> bool:
        """Whether the other is the same, or a part of this."""
        if self.sha256 is not None or other.sha256 is not None or self.project != other.project:
            return self.sha256 is not None and self.sha256 == other.sha256
        if self.version is None:
            return True
        return other.version is not None and Version(self.version) == Version(other.version)


@dataclass(frozen=True)
class Meaning:
    """What an advisory calls malware: of one project these versions, all below one, or with neither all."""

    project: str
    versions: tuple[str, ...] = ()
    below: str | None = None

    def means(self, project: str, version: str) -> bool:
        """Whether that version is meant."""
        if project != self.project:
            return False
        if self.below is not None:
            return Version(version) < Version(self.below)
        return not self.versions or any(Version(one) == Version(version) for one in self.versions)


@dataclass
class Bans:
    """All blocks and tombstones that stand, and the advisories that were read last, by their ids."""

    blocks: list[Aim] = field(default_factory=list)
    buried: set[str] = field(default_factory=set)
    malware: dict[str, Meaning] = field(default_factory=dict)
    heard_at: datetime | None = None

    def is_blocked(self, project: str, entry: Entry) -> bool:
        """Whether an operator's block stands for the file."""
        return any(aim.covers(project, entry) for aim in self.blocks)

    def advisories(self, project: str, version: str) -> set[str]:
        """The ids of the advisories that call that version malware."""
        return {id_ for id_, meaning in self.malware.items() if meaning.means(project, version)}

    def forbid(self, project: str, entry: Entry) -> bool:
        """Whether anything of all that says that the file is not to be served."""
        return (
            entry.sha256 in self.buried
            or self.is_blocked(project, entry)
            or bool(self.advisories(project, entry.version))
        )

    def unblock(self, aim: Aim) -> bool:
        """Ends the blocks on that and on parts of it. False where there are none."""
        left = [block for block in self.blocks if not aim.includes(block)]
        ended = len(left) < len(self.blocks)
        self.blocks = left
        return ended
