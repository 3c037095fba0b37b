"""Rules of other registries, at their boundaries, and those that never look at the deletion."""

from datetime import timedelta

import pytest

from mirror.policy import Deletion, Downloads
from tests.mirror.policy.judged import DAY, HOUR, NOW, SECOND, THREE_DAYS, YEAR, file, part, project, release, ruling


def _npm(age: timedelta | None = YEAR, *, dependents: int = 0, week: int = 299, owners: int = 1) -> Deletion:
    return release(age, dependents=dependents, downloads=Downloads(week=week), owners=owners)


def _crate(age: timedelta = YEAR, *, dependents: int = 0, total: int = 0, owners: int = 1) -> Deletion:
    return project(part("1", DAY), age=age, dependents=dependents, downloads=Downloads(total=total), owners=owners)


def _downloaded(total: int | None = None, month: int | None = None) -> Downloads:
    return Downloads(total=total, month=month)


OLD = NOW - YEAR
MILLION = 1_000_000

CASES = [
    ("npm", "young, needed by nobody", _npm(THREE_DAYS - SECOND, week=MILLION, owners=5), "allow"),
    ("npm", "young, needed by one", _npm(DAY, dependents=1), "refuse"),
    ("npm", "of exactly 72 hours, 300 downloads", _npm(THREE_DAYS, week=300), "refuse"),
    ("npm", "old, 299 downloads, one owner", _npm(week=299), "allow"),
    ("npm", "old, 300 downloads", _npm(week=300), "refuse"),
    ("npm", "old, two owners", _npm(owners=2), "refuse"),
    ("npm", "old, needed by one", _npm(dependents=1), "refuse"),
    ("npm", "undated, few downloads, one owner", _npm(None), "allow"),
    ("npm", "undated, many downloads", _npm(None, week=MILLION), "unknown"),
    ("npm", "old, at least two owners", release(YEAR, fewest_owners=2), "refuse"),
    ("npm", "old, at least one owner", release(YEAR, fewest_owners=1), "unknown"),
    ("npm", "young, at least two owners", release(DAY, fewest_owners=2), "unknown"),
    ("npm", "a project younger than 72 hours", project(part("1", DAY), age=DAY, dependents=0), "allow"),
    ("npm", "an old project with two owners", project(part("1", DAY), age=YEAR, owners=2), "refuse"),
    ("crates-io", "a file", file(HOUR), "refuse"),
    ("crates-io", "a release", release(HOUR), "refuse"),
    ("crates-io", "of exactly 72 hours, with many downloads", _crate(THREE_DAYS, total=MILLION, owners=3), "allow"),
    ("crates-io", "a second older", _crate(THREE_DAYS + SECOND, total=MILLION), "refuse"),
    ("crates-io", "young, needed by one", _crate(DAY, dependents=1), "refuse"),
    ("crates-io", "1000 downloads after 4 days", _crate(4 * DAY, total=1000), "allow"),
    ("crates-io", "1001 downloads after 4 days", _crate(4 * DAY, total=1001), "refuse"),
    ("crates-io", "2000 downloads within the 30th day", _crate(31 * DAY - SECOND, total=2000), "refuse"),
    ("crates-io", "2000 downloads after 31 whole days", _crate(31 * DAY, total=2000), "allow"),
    ("crates-io", "old, two owners", _crate(total=0, owners=2), "refuse"),
    ("crates-io", "old, needed by one", _crate(dependents=1), "refuse"),
    ("crates-io", "a month known, age not", project(created_by=NOW - 30 * DAY, dependents=0, owners=1), "unknown"),
    (
        "crates-io",
        "few downloads even for what is known of its age",
        project(created_by=NOW - 30 * DAY, dependents=0, owners=1, downloads=_downloaded(1000)),
        "allow",
    ),
    (
        "crates-io",
        "more, but it may be older than that",
        project(created_by=NOW - 30 * DAY, dependents=0, owners=1, downloads=_downloaded(1001)),
        "unknown",
    ),
    ("rubygems", "exactly 30 days, exactly 100,000", file(30 * DAY, downloads=_downloaded(100_000)), "allow"),
    ("rubygems", "more than 30 days", file(30 * DAY + SECOND, downloads=_downloaded(0)), "refuse"),
    ("rubygems", "more than 100,000", release(DAY, downloads=_downloaded(100_001)), "refuse"),
    ("rubygems", "young, downloads unknown", file(DAY), "unknown"),
    ("rubygems", "old, downloads unknown", release(DAY, YEAR), "refuse"),
    (
        "rubygems",
        "more than 100,000, of two versions",
        project(part("1", DAY), part("2", DAY), downloads=_downloaded(100_001)),
        "unknown",
    ),
    ("hex", "a release of exactly an hour", release(HOUR, created_by=OLD), "allow"),
    ("hex", "a release a second older", release(HOUR + SECOND, created_by=OLD), "refuse"),
    ("hex", "an older release of a project of exactly a day", release(2 * HOUR, created=NOW - DAY), "allow"),
    ("hex", "of a project a second older", release(2 * HOUR, created=NOW - DAY - SECOND), "refuse"),
    ("hex", "of a project that may be older than known", release(2 * HOUR, created_by=NOW - DAY), "unknown"),
    ("hex", "a project with a release of two hours", project(part("1", HOUR), part("2", 2 * HOUR), age=YEAR), "refuse"),
    ("packagist", "a version", release(YEAR, downloads=_downloaded(MILLION, MILLION)), "allow"),
    ("packagist", "a project, 1000 downloads", project(downloads=_downloaded(1000, 9)), "allow"),
    ("packagist", "a project, 1001 downloads", project(downloads=_downloaded(1001, 1)), "refuse"),
    ("packagist", "a project, 5000 downloads, none of late", project(downloads=_downloaded(5000, 0)), "allow"),
    ("packagist", "a project, 5000 downloads, or none", project(downloads=_downloaded(5000)), "unknown"),
    ("github-packages", "5000 downloads", release(YEAR, downloads=_downloaded(5000)), "allow"),
    ("github-packages", "5001 downloads", release(YEAR, downloads=_downloaded(5001)), "refuse"),
    ("github-packages", "a project of one version", project(part("1", YEAR), downloads=_downloaded(5001)), "refuse"),
    (
        "github-packages",
        "a project of two versions",
        project(part("1", YEAR), part("2", YEAR), downloads=_downloaded(5001)),
        "unknown",
    ),
]


@pytest.mark.parametrize(
    ("policy", "deletion", "verdict"), [pytest.param(p, d, v, id=f"{p}: {story}") for p, story, d, v in CASES]
)
def test_a_registrys_rule_answers_as_it_is_written(policy: str, deletion: Deletion, verdict: str) -> None:
    """Limits count as each registry counts them; what is missing is unknown unless it makes no difference."""
    assert ruling(policy, deletion).verdict == verdict


@pytest.mark.parametrize(
    ("policy", "verdict"),
    [
        ("nuget", "refuse"),
        ("cran", "refuse"),
        ("maven-central", "refuse"),
        ("hackage", "refuse"),
        ("go", "refuse"),
        ("luarocks", "allow"),
        ("cpan", "allow"),
        ("opam", "unknown"),
    ],
)
def test_some_registries_always_answer_the_same(policy: str, verdict: str) -> None:
    """Whatever is deleted, young or old."""
    said = {ruling(policy, deletion).verdict.value for deletion in (file(HOUR), release(YEAR), project(age=YEAR))}

    assert said == {verdict}
