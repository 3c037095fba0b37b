"""The kinds of events, by the names that subscribers rely on."""

from enum import StrEnum


class EventKind(StrEnum):
    """Every kind that this version tells."""

    FILE_DELETED = "file.deleted"
    RELEASE_DELETED = "release.deleted"
    PROJECT_DELETED = "project.deleted"
    RELEASE_YANKED = "release.yanked"
    RELEASE_UNYANKED = "release.unyanked"
    FILE_YANKED = "file.yanked"
    FILE_UNYANKED = "file.unyanked"
    PROJECT_QUARANTINED = "project.quarantined"
    PROJECT_QUARANTINE_CLEARED = "project.quarantine_cleared"
    RELEASE_QUARANTINED = "release.quarantined"
    RELEASE_QUARANTINE_CLEARED = "release.quarantine_cleared"
    PROJECT_STATUS_CHANGED = "project.status_changed"
    PROJECT_REREGISTERED = "project.reregistered"
    FILE_REPLACED = "file.replaced"
    RESTORED = "restored"
    DISAPPEARED = "disappeared"
    ADVISORY_BLOCKED = "advisory.blocked"
    ADVISORY_WITHDRAWN = "advisory.withdrawn"
    GAP = "gap"
    RESCUED = "rescued"
    OPERATOR_ACT = "operator.act"
    TAKEDOWN = "takedown"


DELETIONS = frozenset({EventKind.FILE_DELETED, EventKind.RELEASE_DELETED, EventKind.PROJECT_DELETED})
"""Kinds that tell of something upstream says it has removed."""
GONE = DELETIONS | {EventKind.DISAPPEARED}
"""The same, and what is gone though upstream does not say so."""
BOOKKEEPING = frozenset({EventKind.RESCUED, EventKind.OPERATOR_ACT, EventKind.TAKEDOWN})
"""Kinds that the deletion feed leaves out unless they are asked for by name."""
