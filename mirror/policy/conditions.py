"""What the rules of several policies ask of a deletion."""

from collections.abc import Callable
from datetime import timedelta
from functools import lru_cache

from packaging.version import Version

from mirror.model import DepartureCause
from mirror.names import same_version_key
from mirror.policy.deletion import Deletion, Removed
from mirror.policy.truth import Truth, every


# Asked of every version of a project that is deleted, by several policies.
@lru_cache(maxsize=65536)
def is_prerelease(version: str | None) -> Truth:
    """Whether PEP 440 calls it a pre-release or a development release; what is no version by PEP 440 is neither."""
    if version is None:
        return None
    try:
        return Version(version).is_prerelease
    except ValueError:  # InvalidVersion is one; numbers of thousands of digits are another
        return False


def is_zero(version: str | None) -> Truth:
    """Whether the version is 0, however many zeros it is written with."""
    return None if version is None else same_version_key(version) == same_version_key("0")


def every_part(deletion: Deletion, condition: Callable[[Removed], Truth]) -> Truth:
    """Whether the condition holds for what is removed of each version, what nobody here saw of it included."""
    seen = every(condition(part) for part in deletion.removed)
    return seen if deletion.complete else every((seen, None))


def every_file_younger(deletion: Deletion, limit: timedelta) -> Truth:
    """Whether each file was uploaded less than that before."""
    return every_part(deletion, lambda part: younger(part, deletion, limit))


def younger(part: Removed, deletion: Deletion, limit: timedelta) -> Truth:
    """Whether each file of the part was uploaded less than that before the deletion."""
    if part.oldest is not None and deletion.now - part.oldest >= limit:
        return False
    return None if part.undated else True


def every_file_within(deletion: Deletion, limit: timedelta) -> Truth:
    """Whether no file was uploaded more than that before: one of exactly that age passes."""
    return every_part(deletion, lambda part: _within(part, deletion, limit))


def _within(part: Removed, deletion: Deletion, limit: timedelta) -> Truth:
    if part.oldest is not None and deletion.now - part.oldest > limit:
        return False
    return None if part.undated else True


def project_younger(deletion: Deletion, limit: timedelta) -> Truth:
    """Whether the project was registered less than that before."""
    if deletion.created is not None:
        return deletion.now - deletion.created < limit
    if deletion.created_by is not None and deletion.now - deletion.created_by >= limit:
        return False
    return None


def project_within(deletion: Deletion, limit: timedelta) -> Truth:
    """Whether the project was registered no more than that before: one of exactly that age passes."""
    if deletion.created is not None:
        return deletion.now - deletion.created <= limit
    if deletion.created_by is not None and deletion.now - deletion.created_by > limit:
        return False
    return None


def single_owner(deletion: Deletion) -> Truth:
    """Whether nobody but one owns the project."""
    if deletion.owners is not None:
        return deletion.owners == 1
    return False if deletion.fewest_owners > 1 else None


def no_dependents(deletion: Deletion) -> Truth:
    """Whether no other project needs what is removed."""
    return None if deletion.dependents is None else deletion.dependents == 0


def fewer_than(limit: int, count: int | None) -> Truth:
    """Whether the count is below the limit."""
    return None if count is None else count < limit


def no_version_above(limit: int, deletion: Deletion) -> Truth:
    """Whether no version of what is removed was ever downloaded more often than that."""
    total = deletion.downloads.total
    if total is None:
        return None
    if total <= limit:
        return True
    if deletion.kind is not DepartureCause.PROJECT:
        return False
    # Files whose version nobody could read may be of several.
    versions = [part.version for part in deletion.removed]
    return False if deletion.complete and len(versions) == 1 and versions[0] is not None else None
