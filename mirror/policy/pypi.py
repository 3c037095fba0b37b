"""PyPI's own rule, and those that were proposed for it.

PEP 763: "A **file** is deletable if and only if it was uploaded to PyPI less than 72 hours from the current time, or if
it has a pre-release specifier. A **release** is deletable if and only if all of its contained files are deletable. A
**project** is deletable if and only if all of its releases are deletable."
"""

from datetime import timedelta

from mirror.model import DepartureCause
from mirror.policy.conditions import (
    every_file_younger,
    every_part,
    fewer_than,
    is_prerelease,
    is_zero,
    project_younger,
    younger,
)
from mirror.policy.deletion import Deletion
from mirror.policy.ruling import Policy
from mirror.policy.truth import Truth, every, some

_THREE_DAYS = timedelta(hours=72)
_WEEK = timedelta(days=7)
_FEW_A_MONTH = 1000


def _anything(_: Deletion) -> Truth:
    return True


def _young_or_prerelease(deletion: Deletion) -> Truth:
    files = every_part(deletion, lambda part: some((is_prerelease(part.version), younger(part, deletion, _THREE_DAYS))))
    if deletion.kind is DepartureCause.PROJECT:
        return files
    # Whatever files there are of a pre-release, they are all deletable.
    return some((is_prerelease(deletion.version), files))


def _young(deletion: Deletion) -> Truth:
    return every_file_younger(deletion, _WEEK)


def _not_established_project(deletion: Deletion) -> Truth:
    if deletion.kind is not DepartureCause.PROJECT:
        return True
    only_zero = every(
        (
            every_part(deletion, lambda part: is_zero(part.version)),
            every(is_zero(version) for version in deletion.former_versions),
        )
    )
    return some((project_younger(deletion, _WEEK), only_zero))


def _little_used(deletion: Deletion) -> Truth:
    if deletion.kind is DepartureCause.PROJECT:
        if deletion.removed:
            return False
        return True if deletion.complete else None
    return some((_young_or_prerelease(deletion), fewer_than(_FEW_A_MONTH, deletion.downloads.month)))


def _younger_than_a_week(deletion: Deletion) -> Truth:
    if deletion.kind is DepartureCause.PROJECT:
        return project_younger(deletion, _WEEK)
    return every_file_younger(deletion, _WEEK)


PYPI_CURRENT = Policy(
    "pypi-current",
    "PyPI as it is",
    "always",
    "PyPI's source (warehouse/manage/views) and help page, 2026-08",
    _anything,
)
PEP763 = Policy(
    "pep763",
    "PEP 763, Limiting deletions on PyPI",
    "each file is younger than 72 hours or belongs to a pre-release",
    "PEP 763, withdrawn 2025-09-22",
    _young_or_prerelease,
    telescopes=True,
)
PEP763_DRAFT0 = Policy(
    "pep763-draft0",
    "What became PEP 763, as first proposed",
    "each file is younger than 7 days",
    "pull request 16813 to PyPI's source, as opened",
    _young,
    telescopes=True,
)
STUFFT_2022_OP = Policy(
    "stufft-2022-op",
    "Donald Stufft's proposal of 2022",
    "a project: younger than 7 days, or never had another version than 0; files and releases: always",
    "Python's forum, topic 17227, first post",
    _not_established_project,
)
STUFFT_2023_71 = Policy(
    "stufft-2023-71",
    "Donald Stufft's proposal of 2023",
    "a file or release: a pre-release, younger than 72 hours, or below 1000 downloads by installers in a month; "
    "a project: nothing is left in it",
    "Python's forum, topic 17227, post 71",
    _little_used,
    telescopes=True,
)
GEDAM_2022 = Policy(
    "gedam-2022",
    "Pradyun Gedam's proposal of 2022",
    "the project, or each file of what is deleted in it, is younger than 7 days",
    "Python's forum, topic 17227, 2022-07",
    _younger_than_a_week,
    telescopes=True,
)
