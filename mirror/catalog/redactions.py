"""Events whose payload was taken away: of what they said, only the digest is left, which the chain needs."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from mirror.catalog.database import Connection
from mirror.events import digest_of
from mirror.names import Sha256


@dataclass(frozen=True, slots=True)
class Redaction:
    """When the payload of an event was taken away, by which act, and its sha256."""

    number: int
    at: datetime
    act: int
    payload_sha256: Sha256


async def redact(conn: Connection, event_id: str, *, act: int, now: datetime) -> bool:
    """Takes the payload of an event away. False where there is no such event; once more does nothing."""
    number = await conn.fetchval("select number from events where id = $1", event_id)
    if number is None:
        return False
    payload = await conn.fetchval("delete from event_payloads where number = $1 returning payload", number)
    if payload is not None:
        await conn.execute(
            "insert into redactions (number, at, act, payload_sha256) values ($1, $2, $3, $4)",
            number,
            now,
            act,
            bytes.fromhex(digest_of(payload)),
        )
    return True


async def count(conn: Connection) -> None:
    """Has everybody see that something was taken away. Locks the head of the events until the transaction ends."""
    await conn.execute("update event_head set redacted = redacted + 1")


async def of(conn: Connection, numbers: Sequence[int]) -> dict[int, Redaction]:
    """The redactions of the events with these numbers, as far as there are any."""
    records = await conn.fetch(
        "select number, at, act, payload_sha256 from redactions where number = any($1::bigint[])", list(numbers)
    )
    return {
        record["number"]: Redaction(
            record["number"], record["at"], record["act"], Sha256(record["payload_sha256"].hex())
        )
        for record in records
    }
