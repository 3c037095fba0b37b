"""What the texts of the journal's actions mean. Pure: the catalog keeps texts, everybody else works with actions."""

import re
from typing import Final

from mirror.journal_rows import (
    Action,
    FileAdded,
    FileRemoved,
    Other,
    ProjectCreated,
    ProjectQuarantineCleared,
    ProjectQuarantined,
    ProjectRemoved,
    ReleaseCreated,
    ReleaseQuarantineCleared,
    ReleaseQuarantined,
    ReleaseRemoved,
    ReleaseUnyanked,
    ReleaseYanked,
    RoleChanged,
)

# Which table is asked depends on the version, because the wording alone does not tell: a team may be called
# "py3 file x.whl", and then `add Owner py3 file x.whl` reads like an upload. Rows about projects and roles carry no
# version, rows about releases and files always do.
#
# The bare `remove` was written until May 2018 for projects and releases alike; a journal read from its beginning
# still has it. Its contemporaries `rename from ...`, `docupdate`, `docdestroy`, `nuke user` (about a name `user:...`)
# and `keyrotate ` (about an empty name) say nothing that any file's fate hangs on, so they stay `Other`.
_PROJECT_ACTIONS: Final[dict[str, Action]] = {
    "create": ProjectCreated(),
    "remove project": ProjectRemoved(),
    "remove": ProjectRemoved(),
    "project quarantined": ProjectQuarantined(),
    "project quarantine cleared": ProjectQuarantineCleared(),
}
_RELEASE_ACTIONS: Final[dict[str, Action]] = {
    "new release": ReleaseCreated(),
    "remove release": ReleaseRemoved(),
    "remove": ReleaseRemoved(),
    "yank release": ReleaseYanked(),  # may come twice in a row: the reason was changed
    "unyank release": ReleaseUnyanked(),
    "release quarantined": ReleaseQuarantined(),
    "release quarantine cleared": ReleaseQuarantineCleared(),
}

_ROLE = re.compile(r"(add|remove|invite|revoke_invite|accepted) (Owner|Maintainer) (.+)", re.DOTALL)
# The last " to " counts: what stands before it is a name that anyone may have chosen.
_ROLE_CHANGE = re.compile(r"(change) (?:Owner|Maintainer) (.+) to (Owner|Maintainer)", re.DOTALL)
# The Python version is free text of the uploader; the filename is what follows the last " file ".
_FILE_ADDED = re.compile(r"add .* file (\S+)", re.DOTALL)
_FILE_REMOVED = re.compile(r"remove file (.+)", re.DOTALL)


def read_action(text: str, version: str | None) -> Action:
    """The act that a row's text and version tell of; never fails."""
    if version is None:
        return _PROJECT_ACTIONS.get(text) or _role_change(text) or Other()
    if not version:
        return Other()
    return _RELEASE_ACTIONS.get(text) or _file_change(text) or Other()


def _role_change(text: str) -> RoleChanged | None:
    if found := _ROLE.fullmatch(text):
        return RoleChanged(verb=found[1], role=found[2], who=found[3])
    if found := _ROLE_CHANGE.fullmatch(text):
        return RoleChanged(verb=found[1], role=found[3], who=found[2])
    return None


def _file_change(text: str) -> FileAdded | FileRemoved | None:
    if found := _FILE_ADDED.fullmatch(text):
        return FileAdded(found[1])
    if found := _FILE_REMOVED.fullmatch(text):
        return FileRemoved(found[1])
    return None
