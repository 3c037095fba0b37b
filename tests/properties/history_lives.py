"""The lives of a name, read from all rows of its journal: when each began, and whether one of its owners is back."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol


class Row(Protocol):
    """What is needed of a row."""

    @property
    def serial(self) -> int: ...
    @property
    def action(self) -> str: ...
    @property
    def at(self) -> datetime: ...


@dataclass
class Life:
    """One life; `begun_by` is the serial of the removal that ended the one before."""

    begun_by: int = 0
    freed_at: datetime | None = None
    owners: set[str] = field(default_factory=set)
    registered_at: datetime | None = None
    same_owner_at: datetime | None = None


def lives(rows: Sequence[Row], is_known_before: Callable[[int], bool]) -> list[Life]:
    """All lives, the first one at the beginning.

    Who had the name is who owned it when a life ended, but for lives in which others had taken it: none of those who
    had it before came back, although they were known, or although `is_known_before` says that its files were. Owners
    are those who registered the project or accepted an invitation: other names could be teams'.
    """
    found, had = [Life()], set[str]()
    for row in rows:
        life = found[-1]
        match row.action.split(maxsplit=2):
            case ["remove", "project"]:
                taken = len(found) > 1 and life.same_owner_at is None and (had or is_known_before(life.begun_by))
                had = had if taken else life.owners
                found.append(Life(row.serial, row.at))
            case ["create"]:
                life.registered_at = row.at
            case ["add", "Owner", who] if life.registered_at == row.at:
                life.registered_at = None
                life.owners.add(who)
                if who in had:
                    life.same_owner_at = life.same_owner_at or row.at
            case ["accepted", "Owner", who]:
                life.owners.add(who)
                if who in had:
                    life.same_owner_at = life.same_owner_at or row.at
            case ["remove", "Owner", who]:
                life.owners.discard(who)
    return found
