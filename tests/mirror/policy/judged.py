"""Deletions to be judged, told by the ages of the files that they took, and rulings found by the id of a policy."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from mirror.model import DepartureCause
from mirror.policy import POLICIES, Deletion, Removed, Ruling

NOW = datetime(2026, 8, 10, 12, 0, tzinfo=UTC)
SECOND = timedelta(seconds=1)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
THREE_DAYS = timedelta(hours=72)
YEAR = timedelta(days=365)


def part(version: str | None, *ages: timedelta | None) -> Removed:
    """The files of one version, of these ages; None where an upload time is not known."""
    return Removed.of(version, [None if age is None else NOW - age for age in ages])


def file(age: timedelta | None, version: str = "1.0", **known: Any) -> Deletion:
    """One file was deleted."""
    taken = (part(version, age),)
    return Deletion(DepartureCause.FILE, NOW, version=version, removed=taken, complete=True, **known)


def release(*ages: timedelta | None, version: str = "1.0", **known: Any) -> Deletion:
    """A release was deleted whose files were of these ages."""
    taken = (part(version, *ages),) if ages else ()
    return Deletion(DepartureCause.RELEASE, NOW, version=version, removed=taken, **({"complete": True} | known))


def project(*taken: Removed, **known: Any) -> Deletion:
    """A project was deleted that had these files; its age, where told, is `age`."""
    age = known.pop("age", None)
    created = NOW - age if age is not None else None
    return Deletion(DepartureCause.PROJECT, NOW, removed=taken, created=created, **({"complete": True} | known))


def ruling(policy_id: str, deletion: Deletion) -> Ruling:
    """What that policy says of it."""
    (policy,) = (policy for policy in POLICIES if policy.id == policy_id)
    return policy.ruling(deletion)


def words(deletion: Deletion, ids: Sequence[str]) -> list[str]:
    """The verdicts of these policies."""
    return [str(ruling(policy_id, deletion).verdict) for policy_id in ids]
