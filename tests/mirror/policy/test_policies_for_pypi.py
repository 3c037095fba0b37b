"""PyPI's own rule and those proposed for it, at their boundaries."""

import pytest

from mirror.policy import Deletion, Downloads
from tests.mirror.policy.judged import DAY, SECOND, THREE_DAYS, YEAR, file, part, project, release, ruling

WEEK = 7 * DAY

CASES = [
    ("pypi-current", "everything may go at any time", file(YEAR), "allow"),
    ("pep763", "a file a second short of 72 hours", file(THREE_DAYS - SECOND), "allow"),
    ("pep763", "a file of exactly 72 hours", file(THREE_DAYS), "refuse"),
    ("pep763", "a file from the future", file(-DAY), "allow"),
    ("pep763", "an old file of a release candidate", file(YEAR, "1.0rc1"), "allow"),
    ("pep763", "an old file of a development release", file(YEAR, "1.0.dev3"), "allow"),
    ("pep763", "an old file of a post-release", file(YEAR, "1.0.post1"), "refuse"),
    ("pep763", "an old file of something that is no version", file(YEAR, "2004d-final"), "refuse"),
    ("pep763", "a file whose upload time nobody knows", file(None), "unknown"),
    ("pep763", "an undated file of a pre-release", file(None, "1.0b2"), "allow"),
    ("pep763", "a release of young files", release(DAY, 2 * DAY), "allow"),
    ("pep763", "a release with one old file", release(DAY, THREE_DAYS), "refuse"),
    ("pep763", "a release with an old and an undated file", release(None, YEAR), "refuse"),
    ("pep763", "a release with a young and an undated file", release(None, DAY), "unknown"),
    ("pep763", "a release of which not all was seen", release(DAY, complete=False), "unknown"),
    ("pep763", "an old release of which not all was seen", release(YEAR, complete=False), "refuse"),
    ("pep763", "a pre-release of which nothing was seen", release(version="2.0a1", complete=False), "allow"),
    ("pep763", "a project of young files and old pre-releases", project(part("1", DAY), part("2rc1", YEAR)), "allow"),
    ("pep763", "a project with one old final file", project(part("1", DAY), part("2", DAY, YEAR)), "refuse"),
    ("pep763", "a file that belongs to no known version", project(part(None, YEAR)), "unknown"),
    ("pep763-draft0", "a file a second short of a week", file(WEEK - SECOND), "allow"),
    ("pep763-draft0", "a file of exactly a week", file(WEEK), "refuse"),
    ("pep763-draft0", "pre-releases were no exception", file(WEEK, "1.0rc1"), "refuse"),
    ("pep763-draft0", "a project with one old file", project(part("1", DAY), part("2", WEEK)), "refuse"),
    ("stufft-2022-op", "any file", file(YEAR), "allow"),
    ("stufft-2022-op", "any release", release(YEAR), "allow"),
    ("stufft-2022-op", "a project a second short of a week", project(age=WEEK - SECOND), "allow"),
    ("stufft-2022-op", "an established project of a week", project(part("1", WEEK), age=WEEK), "refuse"),
    (
        "stufft-2022-op",
        "versions 0.0 and 0.0.0 only",
        project(part("0.0", YEAR), part("0.0.0", YEAR), age=YEAR),
        "allow",
    ),
    ("stufft-2022-op", "0.0 and 0.0.1", project(part("0.0", YEAR), part("0.0.1", YEAR), age=YEAR), "refuse"),
    ("stufft-2022-op", "0.0, once also 1.0", project(part("0", YEAR), former_versions=("1.0",), age=YEAR), "refuse"),
    ("stufft-2022-op", "0.0, perhaps more", project(part("0", YEAR), complete=False, age=YEAR), "unknown"),
    ("stufft-2023-71", "a project with anything in it", project(part("1", DAY), age=DAY), "refuse"),
    ("stufft-2023-71", "a project with nothing in it", project(age=YEAR), "allow"),
    ("stufft-2023-71", "a project that nobody saw", project(complete=False), "unknown"),
    ("stufft-2023-71", "a file a second short of 72 hours", file(THREE_DAYS - SECOND), "allow"),
    ("stufft-2023-71", "an old pre-release", release(YEAR, version="1.0a1"), "allow"),
    ("stufft-2023-71", "999 downloads in a month", file(YEAR, downloads=Downloads(month=999)), "allow"),
    ("stufft-2023-71", "1000 downloads in a month", file(THREE_DAYS, downloads=Downloads(month=1000)), "refuse"),
    ("stufft-2023-71", "an old file with downloads unknown", file(YEAR), "unknown"),
    ("gedam-2022", "a file a second short of a week", file(WEEK - SECOND), "allow"),
    ("gedam-2022", "a file of exactly a week", file(WEEK), "refuse"),
    ("gedam-2022", "a project a second short of a week", project(part("1", DAY), age=WEEK - SECOND), "allow"),
    ("gedam-2022", "a project of exactly a week", project(part("1", DAY), age=WEEK), "refuse"),
    ("gedam-2022", "0.0 is nothing special", project(part("0.0", YEAR), age=YEAR), "refuse"),
]


@pytest.mark.parametrize(
    ("policy", "deletion", "verdict"), [pytest.param(p, d, v, id=f"{p}: {story}") for p, story, d, v in CASES]
)
def test_a_rule_for_pypi_answers_as_it_is_written(policy: str, deletion: Deletion, verdict: str) -> None:
    """Ages are compared strictly, releases and projects may go where each file may, what is missing is unknown."""
    assert ruling(policy, deletion).verdict == verdict
