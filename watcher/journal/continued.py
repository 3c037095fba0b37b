"""Reads on from the cursor, and sees whether the journal is still the one that was read up to there.

An index that was restored from a backup has another journal from some serial on, and gives its serials once more. Asked
for what lies above a cursor that it has not reached again, it answers with nothing, as if nothing were new. Therefore
the row at the cursor is asked for together with what follows it: as long as it is the row that we remember, nothing
between the two was missed.
"""

from dataclasses import dataclass

from mirror.errors import UpstreamUnavailableError
from mirror.journal_rows import JournalRow
from mirror.names import Serial
from watcher.journal.client import JournalClient


class JournalSetBackError(UpstreamUnavailableError):
    """The journal ends below what was read of it."""


@dataclass(frozen=True, slots=True)
class ReadOn:
    """The oldest rows above the cursor, and whether there may be more above them.

    `continues` is False where the row at the cursor is not the one that we remember: other rows may have been given the
    serials below it.
    """

    rows: tuple[JournalRow, ...]
    is_full: bool
    continues: bool = True


async def read_on(client: JournalClient, cursor: Serial, at_cursor: JournalRow | None, *, page_size: int) -> ReadOn:
    """One page of the journal from the cursor on. `at_cursor` is the row there, None where it is not remembered.

    Raises JournalSetBackError, or UpstreamUnavailableError for anything else that cannot be read.
    """
    if at_cursor is None:
        found = await client.since(cursor)
        if not found and cursor > 0 and (last := await client.last_serial()) < cursor:
            raise _set_back(cursor, f"at serial {last}")
        return ReadOn(found, len(found) >= page_size)
    found = await client.since(Serial(cursor - 1))
    if not found:
        raise _set_back(cursor, f"below serial {cursor}")
    first = found[0]
    above = found[1:] if first.serial == cursor else found
    return ReadOn(above, len(found) >= page_size, _is_same(first, at_cursor))


def _is_same(row: JournalRow, remembered: JournalRow) -> bool:
    # Not by their texts: names of users are taken out of them when an account is deleted.
    return (row.serial, row.project, row.time) == (remembered.serial, remembered.project, remembered.time)


def _set_back(cursor: Serial, end: str) -> JournalSetBackError:
    return JournalSetBackError(f"the journal was read up to serial {cursor} and now ends {end}: it was set back")
