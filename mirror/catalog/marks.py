"""What rows leave on files: that they are gone, and in which state. Stored for a thousand of them in one statement."""

from collections.abc import Sequence
from dataclasses import fields
from operator import attrgetter

from mirror.catalog.database import Connection
from mirror.model import FileFacts

_MARKS = {
    "listed": "bool",
    "missing_since": "timestamptz",
    "missing_seen": "timestamptz",
    "listed_until": "bigint",
    "listed_at": "timestamptz",
    "departed_at": "timestamptz",
    "departed_serial": "bigint",
    "departed_cause": "text",
    "departed_yanked": "bool",
    "departed_project_since": "timestamptz",
    "departed_project_gone_at": "timestamptz",
    "disappeared_at": "timestamptz",
    "disappeared_in": "text",
    "quarantined_by": "bigint",
    "quarantined_at": "timestamptz",
    "state": "text",
    "cause": "text",
    "state_until": "timestamptz",
}
_ARRAYS = ", ".join(f"${n}::{kind}[]" for n, kind in enumerate(_MARKS.values(), start=2))
_STORE = (
    f"update files set ({', '.join(_MARKS)}) = ({', '.join(f'marked.{name}' for name in _MARKS)})"  # noqa: S608 - made of the constant names above
    f" from unnest($1::bigint[], {_ARRAYS}) as marked (id, {', '.join(_MARKS)}) where files.id = marked.id"
)
_MARKED_FACTS = frozenset(
    {
        "listed",
        "missing_since",
        "missing_seen",
        "listed_until",
        "listed_at",
        "departed",
        "disappeared_at",
        "disappeared_in",
        "quarantined_by",
        "quarantined_at",
        "state",
        "cause",
        "state_until",
    }
)
# Tens of thousands of files are compared when many projects leave at once: this takes a tenth of copying them.
_unmarked = attrgetter(*(fact.name for fact in fields(FileFacts) if fact.name not in _MARKED_FACTS))
_AT_A_TIME = 1_000


def are_all(before: FileFacts, after: FileFacts) -> bool:
    """Whether nothing but marks tells the file as it was from the file as it is."""
    return _unmarked(before) == _unmarked(after)


async def store(conn: Connection, files: Sequence[FileFacts]) -> None:
    """Stores the marks of files that are known by id, of any projects."""
    for start in range(0, len(files), _AT_A_TIME):
        rows = [_values(file) for file in files[start : start + _AT_A_TIME]]
        await conn.execute(_STORE, *map(list, zip(*rows, strict=True)))


def _values(file: FileFacts) -> tuple[object, ...]:
    departed = file.departed
    return (
        file.id,
        file.listed,
        file.missing_since,
        file.missing_seen,
        file.listed_until,
        file.listed_at,
        departed.at if departed else None,
        departed.serial if departed else None,
        departed.cause if departed else None,
        departed.was_yanked if departed else None,
        departed.project_since if departed else None,
        departed.project_gone_at if departed else None,
        file.disappeared_at,
        file.disappeared_in,
        file.quarantined_by,
        file.quarantined_at,
        file.state,
        file.cause,
        file.state_until,
    )
