"""What a running everpin has open, seen from outside."""

from dataclasses import dataclass
from pathlib import Path

import asyncpg

from mirror.postgres.places import places_in
from tests.journeys.processes import Everpin


@dataclass(frozen=True, slots=True)
class Held:
    """How many descriptors and threads a process has, and how many connections its embedded PostgreSQL."""

    descriptors: int
    threads: int
    connections: int

    def is_within(self, other: "Held") -> bool:
        """Whether this is no more than `other` in any respect."""
        return (
            self.descriptors <= other.descriptors
            and self.threads <= other.threads
            and self.connections <= other.connections
        )


async def held_by(everpin: Everpin) -> Held:
    """What it holds right now; the connection that asks is not counted."""
    conn = await asyncpg.connect(places_in(everpin.data_dir).dsn)
    try:
        connections = await conn.fetchval(
            "select count(*) from pg_stat_activity where backend_type = 'client backend' and pid <> pg_backend_pid()"
        )
    finally:
        await conn.close()
    process = Path(f"/proc/{everpin.pid}")
    return Held(_entries(process / "fd"), _entries(process / "task"), connections)


def _entries(directory: Path) -> int:
    return sum(1 for _ in directory.iterdir())
