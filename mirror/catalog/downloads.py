"""How often files were fetched from this mirror, whole, by file and UTC day."""

from collections.abc import Mapping, Sequence
from datetime import date, timedelta

from mirror.catalog.database import Connection

DAYS_TOLD = 30
"""Over how many days, the last one not yet over, downloads are summed up."""


async def add(conn: Connection, counts: Mapping[tuple[int, date], int]) -> None:
    """Adds to the counts of (file id, day)."""
    # In the order of the key, so that processes that write at once cannot wait for each other.
    keys = sorted(counts)
    await conn.execute(
        """
        insert into downloads (file, day, count) select * from unnest($1::bigint[], $2::date[], $3::bigint[])
        on conflict (file, day) do update set count = downloads.count + excluded.count
        """,
        [file for file, _ in keys],
        [day for _, day in keys],
        [counts[key] for key in keys],
    )


async def of_groups(conn: Connection, groups: Sequence[Sequence[int]], *, today: date) -> list[int]:
    """Of each group of file ids, how often its files were fetched in the last days."""
    numbered = [(number, file) for number, group in enumerate(groups) for file in group]
    if not numbered:
        return [0] * len(groups)
    records = await conn.fetch(
        """
        select number, sum(count)::bigint as total
        from unnest($1::int[], $2::bigint[]) as wanted (number, file) join downloads using (file)
        where day > $3 group by number
        """,
        [number for number, _ in numbered],
        [file for _, file in numbered],
        today - timedelta(days=DAYS_TOLD),
    )
    found = {record["number"]: record["total"] for record in records}
    return [found.get(number, 0) for number in range(len(groups))]


async def forget(conn: Connection, *, before: date) -> int:
    """Deletes the counts of older days, and says how many."""
    done = await conn.execute("delete from downloads where day < $1", before)
    return int(done.removeprefix("DELETE "))
