"""Why a file is withheld, or listed though upstream no longer has it, in words that fit a status line. Pure.

Pages, refusals and checks of lock files use the same words, so that people find them again.
"""

from datetime import UTC

from mirror.model import Cause, FileFacts

WHY = {
    Cause.YOUNG: "it was deleted upstream soon after its upload",
    Cause.STRANGER: "it appeared after its version had been deleted upstream",
    Cause.REPLACED: "another file had this name before",
    Cause.QUARANTINE: "it is or was quarantined upstream",
    Cause.OPERATOR: "the operator of this mirror blocked it",
    Cause.UNEXPLAINED: "it is gone upstream, and nothing says why",
    Cause.SETTLING: "its project was young when it was deleted upstream; this passes by itself",
    Cause.ADVISORY: "an advisory calls it malware",
    Cause.SETTING: "this mirror serves nothing that was deleted upstream",
    Cause.RESCUE: "its bytes are not here yet",
}


def why_withheld(facts: FileFacts) -> str:
    """Why a file that is held or blocked is not served."""
    cause = facts.cause
    if cause is Cause.STRANGER and facts.newcomer_in is not None and not facts.stranger:
        return "its project was registered again after its deletion"
    if cause is Cause.YOUNG and not facts.is_gone:
        return "it is new, and this mirror waits a while before it serves new files"
    return WHY[cause] if cause is not None else "it may not be served"


def when_gone(facts: FileFacts) -> str:
    """When upstream lost the file, as the end of a sentence; empty where it did not."""
    if facts.departed is not None:
        return f"; it was deleted upstream on {facts.departed.at:%Y-%m-%d} (serial {facts.departed.serial})"
    if facts.disappeared_at is not None and facts.missing_since is not None:
        return f"; it is missing upstream since {facts.missing_since:%Y-%m-%d}, unexplained"
    return ""


def kept_reason(facts: FileFacts) -> str:
    """What the page says of a kept file, as the reason for which it is yanked there."""
    if facts.departed is not None:
        day = facts.departed.at.astimezone(UTC).date().isoformat()
        serial = f" (serial {facts.departed.serial})" if facts.departed.serial else ""
        return f"deleted upstream {day}{serial}; kept by this mirror"
    if facts.missing_since is not None:
        day = facts.missing_since.astimezone(UTC).date().isoformat()
        return f"missing upstream since {day}, unexplained; kept by this mirror"
    return "no longer listed upstream; kept by this mirror"
