"""A policy, and what it says of a deletion."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from mirror.policy.deletion import Deletion
from mirror.policy.truth import Truth


class Verdict(StrEnum):
    """Whether a user could have deleted it under the policy; unknown where that hangs on something nobody knows."""

    ALLOW = "allow"
    REFUSE = "refuse"
    UNKNOWN = "unknown"


_VERDICTS = {True: Verdict.ALLOW, False: Verdict.REFUSE, None: Verdict.UNKNOWN}
_NOTHING_IN_IT = "There was no file in it: a rule about each of its files is met."


@dataclass(frozen=True, slots=True)
class Ruling:
    """A verdict, and a note where the bare word would mislead."""

    verdict: Verdict
    note: str | None = None


@dataclass(frozen=True, slots=True)
class Policy:
    """A published rule: `check` says whether it lets a user delete. `id` never changes its meaning.

    A policy that `telescopes` allows a release or a project where it allows each file of it.
    """

    id: str
    title: str
    rule: str
    source: str
    check: Callable[[Deletion], Truth]
    telescopes: bool = False

    def ruling(self, deletion: Deletion) -> Ruling:
        """What the policy says of the deletion."""
        verdict = _VERDICTS[self.check(deletion)]
        is_vacuous = self.telescopes and verdict is Verdict.ALLOW and deletion.empty
        return Ruling(verdict, _NOTHING_IN_IT if is_vacuous else None)
