"""What nobody knows: it makes a verdict unknown or makes no difference, and never makes it wrong."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mirror.model import DepartureCause
from mirror.policy import POLICIES, Deletion, Downloads, Removed, verdicts
from tests.mirror.policy.judged import NOW, YEAR, project, release, ruling

ALWAYS = {
    "pypi-current": "allow",
    "nuget": "refuse",
    "cran": "refuse",
    "maven-central": "refuse",
    "hackage": "refuse",
    "luarocks": "allow",
    "cpan": "allow",
    "go": "refuse",
}
NOT_FOR_PROJECTS = {"stufft-2022-op": "allow", "crates-io": "refuse", "packagist": "allow"}


@pytest.mark.parametrize("kind", DepartureCause)
def test_of_an_unknown_deletion_only_rules_that_do_not_look_at_it_say_anything(kind: DepartureCause) -> None:
    """Every other policy answers unknown, and every policy answers."""
    expected = dict.fromkeys((policy.id for policy in POLICIES), "unknown") | ALWAYS
    if kind is not DepartureCause.PROJECT:
        expected |= NOT_FOR_PROJECTS

    assert dict(verdicts(Deletion(kind, NOW))) == expected


@pytest.mark.parametrize("policy", ["pep763", "pep763-draft0", "stufft-2023-71", "gedam-2022", "hex"])
def test_what_was_empty_may_go_and_the_ruling_says_why(policy: str) -> None:
    """A rule about each file is met where there is none; a note tells that from a young release."""
    empty, full = ruling(policy, release()), ruling(policy, release(timedelta(0)))

    assert (empty.verdict, full.verdict) == ("allow", "allow")
    assert empty.note is not None
    assert full.note is None


def test_an_empty_project_may_go_where_projects_are_judged_by_their_files() -> None:
    """Nothing in it stands against that, whatever its age."""
    said = {policy: ruling(policy, project(age=YEAR)) for policy in ("pep763", "pep763-draft0", "hex")}

    assert {policy: found.verdict.value for policy, found in said.items()} == dict.fromkeys(said, "allow")
    assert all(found.note for found in said.values())


def test_a_release_that_nobody_saw_is_not_taken_for_an_empty_one() -> None:
    """Only what is known to have been empty counts as empty."""
    found = ruling("pep763", release(complete=False))

    assert (found.verdict, found.note) == ("unknown", None)


def test_every_policy_says_what_it_is() -> None:
    """Ids are unique, and each has a title, its rule in a line, and where it is written."""
    ids = [policy.id for policy in POLICIES]
    texts = [text for policy in POLICIES for text in (policy.title, policy.rule, policy.source)]

    assert len(set(ids)) == len(ids)
    assert all(text and text == " ".join(text.split()) for text in texts)


SPANS = (
    [timedelta(hours=hours) for hours in (-1, 0, 1, 24, 71, 72, 73)]
    + [timedelta(days=days) for days in (6, 7, 8, 30, 31, 400)]
    + [timedelta(hours=1, seconds=1), timedelta(hours=24, seconds=1)]
)
VERSIONS = ("0.0", "0.0.0", "1.0", "1.0.0", "2.0rc1", "3.dev1", "no version")
COUNTS = st.sampled_from((0, 1, 2, 299, 300, 999, 1000, 1001, 2000, 5000, 5001, 100_000, 100_001))

_times = st.sampled_from([NOW - span for span in SPANS])
_files = st.lists(st.tuples(st.sampled_from(VERSIONS), _times), max_size=5)


def _parts(files: list[tuple[str | None, datetime | None]]) -> tuple[Removed, ...]:
    versions = dict.fromkeys(version for version, _ in files)
    return tuple(Removed.of(version, [time for one, time in files if one == version]) for version in versions)


@st.composite
def _half_known(draw: st.DrawFn) -> tuple[Deletion, Deletion]:
    """A deletion of which everything is known, and the same with some of that missing."""
    kind = draw(st.sampled_from(DepartureCause))
    version = draw(st.sampled_from(VERSIONS))
    files: list[tuple[str | None, datetime | None]] = list(draw(_files))
    if kind is not DepartureCause.PROJECT:
        files = [(version, time) for _, time in files]
    if kind is DepartureCause.FILE:
        files = files[:1] or [(version, draw(_times))]
    created = min([time for _, time in files if time is not None] + [draw(_times)])
    owners = draw(st.integers(1, 3))
    whole = Deletion(
        kind,
        NOW,
        version=None if kind is DepartureCause.PROJECT else version,
        removed=_parts(files),
        complete=True,
        former_versions=tuple(draw(st.lists(st.sampled_from(VERSIONS), max_size=2))),
        created=created,
        created_by=created,
        owners=owners,
        downloads=Downloads(draw(COUNTS), draw(COUNTS), draw(COUNTS)),
        dependents=draw(st.integers(0, 1)),
    )
    seen = [one for one in files if draw(st.integers(0, 3))]
    blurred = [(draw(st.sampled_from((v, None))), draw(st.sampled_from((t, None)))) for v, t in seen]
    later = st.sampled_from([None, *(NOW - span for span in SPANS if NOW - span >= created)])
    created_known = draw(st.booleans())
    return whole, replace(
        whole,
        version=draw(st.sampled_from((whole.version, None))),
        removed=_parts(blurred),
        complete=len(seen) == len(files) and draw(st.booleans()),
        created=created if created_known else None,
        created_by=created if created_known else draw(later),
        owners=draw(st.sampled_from((owners, None))),
        fewest_owners=draw(st.integers(0, owners)),
        downloads=Downloads(*(draw(st.sampled_from((n, None))) for n in _numbers(whole.downloads))),
        dependents=draw(st.sampled_from((whole.dependents, None))),
    )


def _numbers(downloads: Downloads) -> tuple[int | None, ...]:
    return (downloads.total, downloads.month, downloads.week)


@settings(max_examples=500)
@given(_half_known())
def test_a_verdict_stands_whatever_is_still_learnt(deletions: tuple[Deletion, Deletion]) -> None:
    """Learning what was missing turns unknown into an answer, never one answer into the other."""
    whole, half = deletions
    answers = dict(verdicts(whole))

    changed = {policy: word for policy, word in verdicts(half) if word not in ("unknown", answers[policy])}
    left_open = {policy for policy, word in answers.items() if word == "unknown"}

    assert not changed
    # Downloads are known for a project as a whole, and these two ask for those of each version.
    assert left_open <= {"opam", "rubygems", "github-packages"}
