"""The rows of an index's journal, one variant for each action, and `Other` for those nobody has told us of.

The journal is PyPI's changelog. A row has a name as it was displayed at that time, a version or none, a time (the start
of the transaction: not ordered) and a serial (ordered by commit). The text of the action is kept beside the variant,
since it is what can be read again when the wording drifts. `Position` is how far the journal was read.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import TypeAlias

from mirror.names import ProjectName, Serial


@dataclass(frozen=True, slots=True)
class ProjectCreated:
    """`create`: a name was registered, with or without a first release."""


@dataclass(frozen=True, slots=True)
class ReleaseCreated:
    """`new release`: the first file of a version follows in the same transaction."""


@dataclass(frozen=True, slots=True)
class FileAdded:
    """`add {python_version} file {filename}`."""

    filename: str


@dataclass(frozen=True, slots=True)
class FileRemoved:
    """`remove file {filename}`."""

    filename: str


@dataclass(frozen=True, slots=True)
class ReleaseRemoved:
    """`remove release`: one row; its files are named nowhere."""


@dataclass(frozen=True, slots=True)
class ProjectRemoved:
    """`remove project`: one row; its releases and files are named nowhere."""


@dataclass(frozen=True, slots=True)
class ReleaseYanked:
    """`yank release`: the reason is only on the page."""


@dataclass(frozen=True, slots=True)
class ReleaseUnyanked:
    """`unyank release`."""


@dataclass(frozen=True, slots=True)
class ProjectQuarantined:
    """`project quarantined`."""


@dataclass(frozen=True, slots=True)
class ProjectQuarantineCleared:
    """`project quarantine cleared`."""


@dataclass(frozen=True, slots=True)
class ReleaseQuarantined:
    """`release quarantined`."""


@dataclass(frozen=True, slots=True)
class ReleaseQuarantineCleared:
    """`release quarantine cleared`."""


@dataclass(frozen=True, slots=True)
class RoleChanged:
    """A role was given, taken or changed, or an invitation sent, revoked or accepted; `role` and `who` as written.

    `verb` is one of add, remove, change, invite, revoke_invite, accepted; of a change, `role` is the new one.
    """

    verb: str
    role: str
    who: str


@dataclass(frozen=True, slots=True)
class Other:
    """An action this version of everpin does not know: kept, counted, never fatal."""


Action: TypeAlias = (
    ProjectCreated
    | ReleaseCreated
    | FileAdded
    | FileRemoved
    | ReleaseRemoved
    | ProjectRemoved
    | ReleaseYanked
    | ReleaseUnyanked
    | ProjectQuarantined
    | ProjectQuarantineCleared
    | ReleaseQuarantined
    | ReleaseQuarantineCleared
    | RoleChanged
    | Other
)


@dataclass(frozen=True, slots=True)
class JournalRow:
    """One row. `name` is the spelling of that time, `project` the normalised name that identifies the project."""

    serial: Serial
    project: ProjectName
    name: str
    version: str | None
    time: datetime
    text: str
    action: Action


@dataclass(frozen=True, slots=True)
class Position:
    """How far the journal was read: the newest serial applied, since when we watch, and when upstream last answered.

    `begun_serial` is where the reading began: nothing is known of rows up to there.
    """

    serial: Serial
    observed_since: datetime
    checked_at: datetime
    begun_serial: Serial
