"""What an everpin knows, holds and told, without what may differ between two that saw the same.

Left out, or reduced to whether it is there, is:

- when it observed something, its identity, and the numbers it gave to rows: these are its own;
- what it counts now and then, but not what adds up from that: how much is stored;
- the revision and validator of a page, which depend on how many steps the page changed in and on addresses;
- the ports of its upstream;
- of events the order between projects, the cursors and chain that follow from it (that the chain holds is checked),
  the id where it is made of the time of observation, and `evidence`: who was dead when a row came may see the page
  first, and then says "index" or "both" where another one says "journal".

Everything else is taken over as it is, table by table, also of tables that are yet to be thought of.
"""

import hashlib
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import asyncpg
import msgspec

from mirror.catalog import room, sealed, webhooks
from mirror.events import next_link
from mirror.noted_acts import decode
from mirror.postgres.places import places_in
from mirror.store.keys import ACTS
from tests.journeys.processes import Everpin
from tests.pypi_sim import PyPISim

Row = Mapping[str, object]

_OWN_COLUMNS = {
    # What an act is called under the bytes begins with its time.
    "acts": {"id", "name", "at"},
    "event_head": {"chain"},
    "files": {"id", "first_seen_at", "listed_at"},
    "instance": {"uuid", "created_at", "epoch", "fingerprint", "starts"},
    "journal": {"observed_since", "checked_at"},
    # Who dies leads anew.
    "leadership": {"term", "holder", "since"},
    "migrations": {"ran_at"},
    "pending_yanks": {"id", "observed_at", "due_at"},
    # Whose key belongs to its URL; what is not for a target is passed over now and then.
    "webhook_targets": {"id", "key", "number", "last_success_at", "seen_at"},
    # The revision counts how often the page changed, and a page that is asked for twice may have changed in two steps;
    # the validator belongs to the addresses on the page.
    "projects": {"id", "known_since", "observed_at", "revision", "etag"},
}
# Of these it counts that they are there.
_MARKS = frozenset(
    {"stored_at", "metadata_stored_at", "lost_at", "missing_since", "missing_seen", "settled_at", "noted_at"}
)
# Seen as the feed, in an order that is the same for each project but not between projects.
_TOLD = frozenset({"events", "event_payloads"})
# Whether the first event of a burst was told together with the second is chance, too.
_TOLD_BY_CHANCE = frozenset({"cursor", "observed_at", "evidence", "burst_id", "observed_since"})
# Counted in memory: who dies loses those of the last half minute. Or counted at the start and then now and then.
_COUNTED = frozenset({"downloads", "file_figures", "store_room", "stored_since"})
# When something is due that nobody waits for.
_PLANNED = frozenset({"sweeping"})


@dataclass(frozen=True)
class Remains:
    """What can be compared of one everpin."""

    tables: Mapping[str, list[Row]]
    objects: Mapping[str, str]
    """The sha256 of each file in store and spool by its path."""
    feed: Mapping[str, list[Row]]
    """What was told of each project, oldest first."""
    pages: Mapping[str, Any]


async def remains_of(everpin: Everpin, pypi: PyPISim) -> Remains:
    """Looks at an everpin that runs. Fails where the chain of what it told is broken."""
    tables = await _tables(everpin.data_dir, pypi)
    pages = {str(project["name"]): await everpin.page(str(project["name"])) for project in tables["projects"]}
    return Remains(tables, _objects(everpin.data_dir), await _feed(everpin), pages)


async def is_settled(everpin: Everpin, pypi: PyPISim) -> bool:
    """Whether the journal is read to its end, no page is awaited and no file wanted."""
    conn = await _connected(everpin.data_dir)
    try:
        settled: bool = await conn.fetchval(
            """
            select exists (select from journal where serial = $1) and not exists (select from backlog)
                and not exists (select from projects where refresh_at is not null)
            """,
            pypi.last_serial,
        )
        return settled
    finally:
        await conn.close()


async def is_sealed(everpin: Everpin) -> bool:
    """Whether the bytes of what is blocked are out of reach, and those of what is not within it."""
    conn = await _connected(everpin.data_dir)
    try:
        return not await sealed.to_seal(conn, limit=1) and not await sealed.to_unseal(conn, limit=1)
    finally:
        await conn.close()


async def pushes(everpin: Everpin) -> bool:
    """Whether everpin knows somebody to push events to: what is told from now on is pushed."""
    conn = await _connected(everpin.data_dir)
    try:
        return bool(await webhooks.targets(conn))
    finally:
        await conn.close()


async def _connected(data_dir: Path) -> "asyncpg.Connection[asyncpg.Record]":
    return await asyncpg.connect(places_in(data_dir).dsn)


async def _tables(data_dir: Path, pypi: PyPISim) -> dict[str, list[Row]]:
    conn = await _connected(data_dir)
    try:
        names = await conn.fetch("select tablename from pg_tables where schemaname = 'public' order by 1")
        projects = {record["id"]: record["name"] for record in await conn.fetch("select id, name from projects")}
        found = {}
        for (name,) in names:
            if name not in _TOLD | _COUNTED | _PLANNED:
                records = await conn.fetch(f"select * from {name}")  # noqa: S608 - the name came from the catalog
                rows = [_row(name, record, projects, pypi) for record in records]
                found[name] = sorted(rows, key=repr)
        found["room"] = [{"used": (await room.read(conn)).used, "kept_up_to": await room.kept_up_to(conn)}]
        return found
    finally:
        await conn.close()


def _row(table: str, record: "asyncpg.Record", projects: Mapping[int, str], pypi: PyPISim) -> Row:
    row: dict[str, object] = {}
    for column, value in record.items():
        if column in _OWN_COLUMNS.get(table, ()):
            continue
        if table == "files" and column == "project":
            row[column] = projects[value]
        else:
            row[column] = value is not None if column in _MARKS else _placed(value, pypi)
    return row


def _placed(value: object, pypi: PyPISim) -> object:
    """Without the ports, on which each upstream is elsewhere."""
    if isinstance(value, list):
        return [_placed(one, pypi) for one in value]
    if isinstance(value, str):
        return value.replace(urlsplit(pypi.files_url).netloc, "files").replace(urlsplit(pypi.origin).netloc, "index")
    return value


def _objects(data_dir: Path) -> dict[str, str]:
    found = [path for place in ("store", "spool") for path in (data_dir / place).rglob("*") if path.is_file()]
    notes = sorted(path for path in found if path.parent.name == ACTS)
    objects = {
        str(path.relative_to(data_dir)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in found
        if path not in notes
    }
    return objects | {f"note {number}": _noted(path) for number, path in enumerate(notes)}


def _noted(path: Path) -> str:
    """What is noted of an act, without its time."""
    note = decode(path.name, path.read_bytes())
    assert note is not None, path
    return f"{note.order} {sorted(note.digests)}"


class _Told(msgspec.Struct):
    id: str
    chain: str
    data: msgspec.Raw


class _Feed(msgspec.Struct):
    events: list[_Told]


async def _feed(everpin: Everpin) -> dict[str, list[Row]]:
    answer = await everpin.get("/api/v1/events?limit=1000")
    by_project: defaultdict[str, list[Row]] = defaultdict(list)
    chain = ""
    for told in msgspec.json.decode(answer.body, type=_Feed).events:
        chain = next_link(chain, told.id, b"{" + bytes(told.data).partition(b",")[2])
        assert told.chain == chain, f"the chain breaks at {told.id}"
        data = msgspec.json.decode(told.data)
        shown = {key: value for key, value in data.items() if key not in _TOLD_BY_CHANCE}
        # Without a row to be named after, an event is named after the time it was observed.
        by_project[data["project"]].append(shown | ({} if data["serial"] is None else {"id": told.id}))
    return dict(by_project)
