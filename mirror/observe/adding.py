"""What events say besides the act itself, which takes a look into the catalog: bursts, and downloads from this mirror.

One statement for all events of a transaction, however many there are.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from mirror.catalog import bursts, downloads
from mirror.catalog.bursts import Burst
from mirror.catalog.database import Connection
from mirror.event_kinds import DELETIONS
from mirror.events import EventDraft
from mirror.names import ProjectName

WITHIN = timedelta(minutes=10)
"""Deletions of one project that are no further apart, by upstream's time, are one burst."""


async def with_bursts(conn: Connection, drafts: Sequence[EventDraft]) -> list[EventDraft]:
    """The drafts, in the order in which they are to be told, with the bursts that the deletions among them belong to.

    A burst goes by the id of its first event. An event is never changed, so one that was told before there was a second
    has no burst; where both are told in one transaction, the first one has its own id, too.
    """
    names = {draft.project for draft in drafts if draft.project is not None and _deleted_at(draft) is not None}
    if not names:
        return list(drafts)
    found, running = in_bursts(drafts, await bursts.of_projects(conn, names))
    await bursts.remember(conn, {name: running[name] for name in names})
    return found


def in_bursts(
    drafts: Sequence[EventDraft], running: Mapping[ProjectName, Burst]
) -> tuple[list[EventDraft], dict[ProjectName, Burst]]:
    """The drafts with their bursts, and the last burst of each project after them, where `running` are those before."""
    last, found = dict(running), list(drafts)
    alone: dict[ProjectName, int] = {}
    for place, draft in enumerate(drafts):
        project, at = draft.project, _deleted_at(draft)
        if project is None or at is None:
            continue
        burst = last.get(project)
        if burst is None or abs(at - burst.last_at) > WITHIN:
            last[project], alone[project] = Burst(draft.id, at), place
            continue
        if burst.first_event == draft.id:
            continue  # told before, and read once more
        if (first := alone.pop(project, None)) is not None:
            found[first] = replace(found[first], burst_id=burst.first_event)
        found[place] = replace(draft, burst_id=burst.first_event)
        last[project] = Burst(burst.first_event, at)
    return found, last


async def with_downloads(conn: Connection, drafts: Sequence[EventDraft], *, now: datetime) -> list[EventDraft]:
    """The drafts, with how often their files were fetched lately where that is to be told."""
    groups = [draft.counted_files for draft in drafts if draft.counted_files is not None]
    if not groups:
        return list(drafts)
    totals = iter(await downloads.of_groups(conn, groups, today=now.astimezone(UTC).date()))
    return [
        replace(draft, local_downloads_30d=next(totals)) if draft.counted_files is not None else draft
        for draft in drafts
    ]


def _deleted_at(draft: EventDraft) -> datetime | None:
    return draft.upstream_time if draft.kind in DELETIONS else None
