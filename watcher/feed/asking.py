"""What a request asks for: which events, and after which place. What is wrong with it becomes a 400, or `Resync`."""

from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import TypeVar

from multidict import MultiMapping

from mirror.catalog.events import Held
from mirror.event_kinds import BOOKKEEPING, EventKind
from mirror.events import Cursor
from mirror.policy import POLICIES, Verdict
from mirror.setting_values import read_span
from mirror.web.problems import Problem
from watcher.feed.filters import EventFilter, names_and_globs

_T = TypeVar("_T")
_R = TypeVar("_R")

_MOST_WISHES = 100
_POLICIES = frozenset(policy.id for policy in POLICIES)
_TRUTHS: Mapping[str, bool] = {"true": True, "1": True, "false": False, "0": False}


class Resync(Exception):  # noqa: N818 - an answer, not an error of ours
    """The events after a place cannot all be told: it is of another history, or some are not held any more.

    `oldest` is where those that are held begin; reading anew from there misses none of them.
    """

    def __init__(self, oldest: Cursor) -> None:
        super().__init__(f"read anew from {oldest}")
        self.oldest = oldest


def filter_of(query: MultiMapping[str]) -> EventFilter:
    """The filter that a query wishes for by `project`, `kind`, `stable_only`, `min_age` and `verdict`.

    Raises Problem (400) for what is none of what it should be. Without a kind any is admitted.
    """
    projects, patterns = _read(names_and_globs, _many(query, "project"))
    kinds = frozenset(_read(_kind, text) for text in _many(query, "kind"))
    min_age, stable_only = _one(query, "min_age"), _one(query, "stable_only")
    return EventFilter(
        projects=projects,
        kinds=kinds or None,
        patterns=patterns,
        stable_only=_read(_truth, stable_only) if stable_only is not None else False,
        min_age=_read(_span, min_age) if min_age is not None else None,
        verdicts=tuple(_read(_verdict, text) for text in _many(query, "verdict")),
    )


def deletions_of(query: MultiMapping[str]) -> EventFilter:
    """The same, but without a kind all are admitted except bookkeeping."""
    wanted = filter_of(query)
    if wanted.kinds is not None:
        return wanted
    return EventFilter(
        projects=wanted.projects,
        kinds=frozenset(EventKind) - BOOKKEEPING,
        patterns=wanted.patterns,
        stable_only=wanted.stable_only,
        min_age=wanted.min_age,
        verdicts=wanted.verdicts,
    )


def start_after(since: str | None, *, held: Held) -> int:
    """The number after which to go on: that of the cursor, or without one that before the oldest event held.

    Raises Resync for a cursor that nobody can go on from: not one of this history, or of what is not held any more.
    """
    if not since:
        return held.forgotten
    cursor = Cursor.parse(since)
    if cursor is None or cursor.epoch != held.epoch or not held.forgotten <= cursor.number <= held.last:
        raise Resync(Cursor(held.epoch, held.forgotten))
    return cursor.number


def _many(query: MultiMapping[str], key: str) -> list[str]:
    given = query.getall(key, [])
    if len(given) > _MOST_WISHES:
        raise Problem(400, "Bad Request", f"{key} was given more than {_MOST_WISHES} times")
    return given


def _one(query: MultiMapping[str], key: str) -> str | None:
    given = query.getall(key, [])
    if len(given) > 1:
        raise Problem(400, "Bad Request", f"{key} was given more than once")
    return given[0] if given else None


def _read(read: Callable[[_T], _R], given: _T) -> _R:
    try:
        return read(given)
    except ValueError as e:
        raise Problem(400, "Bad Request", str(e)) from e


def _kind(text: str) -> EventKind:
    try:
        return EventKind(text)
    except ValueError:
        raise ValueError(f"kind is one of {', '.join(EventKind)}") from None


def _truth(text: str) -> bool:
    if text not in _TRUTHS:
        raise ValueError("stable_only is true or false")
    return _TRUTHS[text]


def _span(text: str) -> timedelta:
    try:
        return read_span(text)
    except ValueError as e:
        raise ValueError(f"min_age: {e}") from None


def _verdict(text: str) -> tuple[str, str]:
    policy, _, said = text.partition(":")
    if policy not in _POLICIES or said not in set(Verdict):
        known = ", ".join(sorted(_POLICIES))
        raise ValueError(f"verdict is a policy and what it says, such as pep763:refuse; policies are {known}")
    return policy, said
