"""Rules of other registries that look at what is deleted.

Where a registry's release is one archive, a file is judged as such a release is, and a release of several files as
several of them.
"""

from datetime import timedelta

from mirror.model import DepartureCause
from mirror.policy.conditions import (
    every_file_within,
    every_file_younger,
    fewer_than,
    no_dependents,
    no_version_above,
    project_within,
    project_younger,
    single_owner,
)
from mirror.policy.deletion import Deletion
from mirror.policy.ruling import Policy
from mirror.policy.truth import Truth, every, some

_THREE_DAYS = timedelta(hours=72)


def _npm(deletion: Deletion) -> Truth:
    if deletion.kind is DepartureCause.PROJECT:
        young = project_younger(deletion, _THREE_DAYS)
    else:
        young = every_file_younger(deletion, _THREE_DAYS)
    little_used = every((fewer_than(300, deletion.downloads.week), single_owner(deletion)))
    return every((no_dependents(deletion), some((young, little_used))))


def _crates_io(deletion: Deletion) -> Truth:
    if deletion.kind is not DepartureCause.PROJECT:
        return False
    little_used = every((single_owner(deletion), _few_downloads_for_its_age(deletion)))
    return every((no_dependents(deletion), some((project_within(deletion, _THREE_DAYS), little_used))))


def _few_downloads_for_its_age(deletion: Deletion) -> Truth:
    """At most 1000 for each month of 30 days that it has lived in or begun; only whole days count."""
    total = deletion.downloads.total
    if total is None:
        return None
    since = deletion.created or deletion.created_by or deletion.now
    days = max(0, (deletion.now - since).days)
    if total <= 1000 * -(-days // 30):
        return True
    # A project that is older than anybody knows may have had more.
    return False if deletion.created is not None else None


def _rubygems(deletion: Deletion) -> Truth:
    return every((every_file_within(deletion, timedelta(days=30)), no_version_above(100_000, deletion)))


def _hex(deletion: Deletion) -> Truth:
    return some((project_within(deletion, timedelta(hours=24)), every_file_within(deletion, timedelta(hours=1))))


def _packagist(deletion: Deletion) -> Truth:
    if deletion.kind is not DepartureCause.PROJECT:
        return True
    return some((fewer_than(1001, deletion.downloads.total), fewer_than(1, deletion.downloads.month)))


def _github_packages(deletion: Deletion) -> Truth:
    return no_version_above(5000, deletion)


NPM = Policy(
    "npm",
    "npm",
    "nothing depends on it, and it is younger than 72 hours or has one owner and below 300 downloads in a week",
    "npm's documentation, unpublish policy, 2026-08",
    _npm,
    telescopes=True,
)
CRATES_IO = Policy(
    "crates-io",
    "Rust's crates",
    "whole crates only: nothing depends on it, and it is at most 72 hours old or has one owner and at most 1000 "
    "downloads for each month of its age",
    "the registry's source (controllers/krate/delete.rs), 2026-08; RFC 3660 said 100",
    _crates_io,
)
RUBYGEMS = Policy(
    "rubygems",
    "RubyGems",
    "each file is at most 30 days old, and no version has more than 100,000 downloads",
    "the registry's source (models/deletion.rb), 2026-08",
    _rubygems,
    telescopes=True,
)
HEX = Policy(
    "hex",
    "Hex",
    "each file is at most an hour old, or the project at most 24 hours",
    "the registry's source (hexpm/repository/release.ex) and FAQ, 2026-08",
    _hex,
    telescopes=True,
)
PACKAGIST = Policy(
    "packagist",
    "Packagist",
    "a project: at most 1000 downloads ever, or none in a month; versions: always, but their place is never freed",
    "the registry's source (Security/Voter/PackageVoter.php), 2026-08",
    _packagist,
)
GITHUB_PACKAGES = Policy(
    "github-packages",
    "GitHub Packages",
    "no version has more than 5000 downloads",
    "GitHub's documentation",
    _github_packages,
)
