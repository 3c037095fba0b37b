"""What the simulated index holds: journal rows, files, releases, projects."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from packaging.utils import canonicalize_name
from packaging.version import Version

from tests.pypi_sim.generated import Generated

Kind = Literal["wheel", "sdist"]
Status = Literal["active", "archived", "quarantined"]


class RefusedError(Exception):
    """The index does not allow this act; the message is what the user would be told."""


class UploadRefusedError(RefusedError):
    """The upload was turned away; nothing was added to the journal."""


@dataclass(frozen=True, slots=True)
class Row:
    """A row of the journal, with the exact time that XML-RPC rounds down to seconds."""

    name: str
    version: str | None
    timestamp: datetime
    action: str
    serial: int

    def on_the_wire(self) -> tuple[str, str | None, int, str, int]:
        """The five values of `changelog_since_serial`, the action made ASCII as upstream does."""
        action = self.action.encode("ascii", "xmlcharrefreplace").decode("ascii")
        cleaned = "".join(character for character in action if character in "\t\n\r" or character >= " ")
        return self.name, self.version, int(self.timestamp.timestamp()), cleaned, self.serial


@dataclass(frozen=True, slots=True)
class File:
    """An uploaded file with its bytes, or with what generates them; it outlives its removal from the index."""

    project: str
    version: str
    filename: str
    kind: Kind
    python_version: str
    content: bytes = field(repr=False)
    metadata: bytes | None = field(repr=False)
    requires_python: str | None
    uploaded_at: datetime
    provenance: bool
    sha256: str
    md5: str
    blake2b_256: str
    metadata_sha256: str | None
    generated: Generated | None = None

    @property
    def size(self) -> int:
        """Length of the content in bytes."""
        return len(self.content) if self.generated is None else self.generated.size

    @property
    def path(self) -> str:
        """Path on the files host; it depends on the content alone, hence it never changes."""
        digest = self.blake2b_256
        return f"/packages/{digest[:2]}/{digest[2:4]}/{digest[4:]}/{self.filename}"


@dataclass(slots=True)
class Release:
    """A version of a project; it can stay behind without files."""

    version: str
    created: datetime
    number: int
    name: str
    requires: tuple[str, ...]
    requires_python: str | None
    yanked: bool = False
    yanked_reason: str = ""
    quarantined: bool = False
    files: dict[str, File] = field(default_factory=dict)

    @property
    def summary(self) -> str:
        """The one-line description, written with the name as it was spelled at the release's upload."""
        return f"{self.name} test project"

    def files_in_order(self) -> list[File]:
        """The release's files by name."""
        return [self.files[filename] for filename in sorted(self.files)]


@dataclass(slots=True)
class Project:
    """One life of a name: from its registration to its removal."""

    name: str
    created: datetime
    number: int
    status: Status = "active"
    last_serial: int = 0
    roles: dict[str, str] = field(default_factory=dict)
    releases: dict[str, Release] = field(default_factory=dict)

    @property
    def canonical(self) -> str:
        """The name as the simple index spells it."""
        return canonicalize_name(self.name)

    def visible_files(self) -> list[File]:
        """The files of the project page in its order; a quarantine hides a release or everything."""
        if self.status == "quarantined":
            return []
        shown = (release for release in self.releases.values() if not release.quarantined)
        files = [file for release in shown for file in release.files.values()]
        return sorted(files, key=lambda file: (Version(file.version), file.filename))

    def visible_versions(self) -> list[str]:
        """The versions that have a visible file, oldest first."""
        return list(dict.fromkeys(file.version for file in self.visible_files()))

    def newest_release(self) -> Release | None:
        """The release that the project is shown with: final before pre-release, never yanked by choice."""
        candidates = [release for release in self.releases.values() if not release.quarantined]
        if not candidates:
            return None
        return max(candidates, key=_prominence)

    def latest_release(self) -> Release | None:
        """Like `newest_release`, quarantined releases included (the feeds show those)."""
        return max(self.releases.values(), key=_prominence, default=None)


def _prominence(release: Release) -> tuple[bool, bool, Version]:
    version = Version(release.version)
    return not release.yanked, not version.is_prerelease, version


@dataclass(frozen=True, slots=True)
class Seen:
    """A request that reached the simulator."""

    host: Literal["index", "files"]
    method: str
    path: str
    headers: dict[str, str] = field(repr=False)
    kind: str
