"""What can be wished for in a query, and which events that admits."""

import tracemalloc
from dataclasses import replace
from datetime import timedelta

import pytest
from multidict import MultiDict

from mirror.event_kinds import BOOKKEEPING, EventKind
from mirror.names import ProjectName
from mirror.web.problems import Problem
from tests.watcher.feed.told_events import WHEEL, redacted, told
from watcher.feed.asking import deletions_of, filter_of
from watcher.feed.filters import EventFilter, _fits


def asked(*wishes: tuple[str, str]) -> EventFilter:
    """The filter that a query of these wishes for."""
    return filter_of(MultiDict(wishes))


REFUSED = told(verdicts=(("pep763", "refuse"), ("npm", "unknown")))
PRERELEASE = told(version="3.0rc1")
PROJECT = told(kind=EventKind.PROJECT_DELETED, version=None)
GAP = told(kind=EventKind.GAP, project=None, version=None, files=None)


@pytest.mark.parametrize(
    ("wishes", "admitted"),
    [
        ([], {"told", "refused", "prerelease", "project", "gap", "redacted"}),
        ([("project", "CodeCov")], {"told", "refused", "prerelease", "project", "redacted"}),
        ([("project", "CODE*")], {"told", "refused", "prerelease", "project", "redacted"}),
        ([("project", "other"), ("project", "*-cov")], set()),
        ([("project", "codecov"), ("project", "acme-*")], {"told", "refused", "prerelease", "project", "redacted"}),
        ([("kind", "project.deleted"), ("kind", "gap")], {"project", "gap"}),
        ([("stable_only", "true"), ("kind", "release.deleted")], {"told", "refused", "redacted"}),
        ([("stable_only", "false"), ("kind", "release.deleted")], {"told", "refused", "prerelease", "redacted"}),
        ([("min_age", "300d")], {"told", "refused", "prerelease", "project"}),
        ([("min_age", "900d")], set()),
        ([("verdict", "pep763:refuse")], {"refused"}),
        ([("verdict", "pep763:refuse"), ("verdict", "npm:allow")], set()),
    ],
)
def test_all_that_was_wished_for_must_be_so(wishes: list[tuple[str, str]], admitted: set[str]) -> None:
    """Names and kinds add up; a redacted event has neither files nor verdicts any more."""
    events = {
        "told": told(),
        "refused": REFUSED,
        "prerelease": PRERELEASE,
        "project": PROJECT,
        "gap": GAP,
        "redacted": redacted(told()),
    }

    wanted = asked(*wishes)

    assert {name for name, event in events.items() if wanted.admits(event)} == admitted


@pytest.mark.parametrize(
    ("key", "value", "sentence"),
    [
        ("project", "", "not a project's name"),
        ("project", "a b*", "not a glob"),
        ("project", "*a" * 6, "at most 5 stars"),
        ("kind", "release.*", "kind is one of"),
        ("stable_only", "yes", "stable_only is true or false"),
        ("min_age", "3", "a time span such as"),
        ("min_age", "99999999d", "a time span of at most"),
        ("verdict", "pep763", "pep763:refuse"),
        ("verdict", "pep763:no", "pep763:refuse"),
        ("verdict", "unheard:refuse", "policies are"),
    ],
)
def test_what_is_none_of_it_is_refused_with_a_sentence(key: str, value: str, sentence: str) -> None:
    """A 400, never a filter that admits something else than was meant."""
    with pytest.raises(Problem) as refused:
        asked((key, value))

    assert refused.value.status == 400
    assert sentence in (refused.value.detail or "")


def test_wishes_are_bounded_and_those_for_one_thing_are_made_once() -> None:
    """Nobody has us compare with ten thousand globs."""
    for query in ([("project", f"p{number}") for number in range(101)], [("min_age", "1h"), ("min_age", "2h")]):
        with pytest.raises(Problem):
            asked(*query)


def test_a_glob_is_fitted_as_a_whole_and_leaves_nothing_behind() -> None:
    """Ends that overlap do not fit; and whoever asks with ever new globs fills no memory of ours."""
    fitting = [
        glob for glob in ("*", "a*a", "a*b*a", "ab*ba", "aba*", "*b*", "a*b", "aba*a", "b*") if _fits("aba", glob)
    ]
    tracemalloc.start()
    for number in range(0, 1000, 100):
        asked(*(("project", f"*x{number + each}*y") for each in range(100))).admits(REFUSED)
    left, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert fitting == ["*", "a*a", "a*b*a", "aba*", "*b*"]
    assert left < 100_000


def test_names_alone_bound_what_is_read() -> None:
    """With a glob beside them they do not, and are still admitted."""
    names, both = asked(("project", "A_b"), ("project", "c")), asked(("project", "c"), ("project", "x*"))
    made = EventFilter(projects=frozenset({ProjectName("codecov")}), patterns=("x-*",))

    assert names.projects == frozenset({ProjectName("a-b"), ProjectName("c")})
    assert (both.projects, made.projects) == (None, None)
    assert made.admits(told())


def test_without_a_kind_the_deletion_feed_leaves_out_bookkeeping() -> None:
    """Asked for by name it is there."""
    assert deletions_of(MultiDict()).kinds == frozenset(EventKind) - BOOKKEEPING
    assert deletions_of(MultiDict(kind="takedown", project="a*")) == asked(("kind", "takedown"), ("project", "a*"))
    wishes = [("project", "c*"), ("stable_only", "1"), ("min_age", "1h"), ("verdict", "npm:allow")]
    assert replace(deletions_of(MultiDict(wishes)), kinds=None) == asked(*wishes)


def test_the_age_is_that_of_the_oldest_file_when_it_happened() -> None:
    """As PyPI tells the time, else as we do; where nobody knows when they were uploaded, they are not old."""
    young = replace(WHEEL, upload_time=None)
    span = EventFilter(min_age=timedelta(days=596))

    assert span.admits(told())
    assert not EventFilter(min_age=timedelta(days=597)).admits(told())
    assert span.admits(told(files=(young, WHEEL)))
    assert not span.admits(told(files=(young,)))
    assert not span.admits(told(files=None))
