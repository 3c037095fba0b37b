"""How far we know upstream: what judgements of all projects depend on."""

from mirror.catalog.database import Connection
from mirror.names import Serial
from mirror.states import Circumstances


async def read(conn: Connection) -> Circumstances:
    """The circumstances as this transaction sees them."""
    record = await conn.fetchrow(
        """
        select (select checked_at from advisory_reading) as advisories_at, journal.begun_serial,
            journal.observed_since, journal.checked_at
        from (select 1) as always left join journal on true
        """
    )
    if record is None:
        raise LookupError("a statement that always has a row had none")
    since = record["begun_serial"]
    return Circumstances(
        record["advisories_at"],
        Serial(since) if since is not None else None,
        record["observed_since"],
        record["checked_at"],
    )
