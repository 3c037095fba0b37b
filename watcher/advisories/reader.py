"""One look at the source of advisories: everything now and then, otherwise what was modified since the last look.

Each record is applied by itself and only where it is newer than what is known of it, so that a look that breaks off has
done what it did and can be repeated at any time. While the source is down, what is known stays as it is.
"""

import asyncio
import io
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import islice
from pathlib import Path

import aiohttp
import structlog

from mirror import metrics, observe
from mirror.advisories import Advisory, BadAdvisoryError
from mirror.catalog import advisories
from mirror.catalog.advisories import Reading
from mirror.catalog.database import Catalog
from mirror.errors import NotThereError, StoreError, UpstreamUnavailableError
from mirror.names import ProjectName
from mirror.settings import Settings
from mirror.states import Rules
from watcher.advisories.archive import Refused, advisory_named, records
from watcher.advisories.changes import Change
from watcher.advisories.client import AdvisoryClient

log = structlog.get_logger()

ALL_EVERY = timedelta(days=1)
"""How often all records are read: whatever the list of changes did not tell is found then."""
OVERLAP = timedelta(days=1)
"""So far back the list of changes is read again: records appear in it later than their time says."""
MOST_SINGLY = 500
"""Where more records have changed they are all read at once."""

_AT_A_TIME = 200
_SIDE_BY_SIDE = 4
_FIRST_RETRY = timedelta(seconds=30)
_LONGEST_RETRY = timedelta(hours=1)


class AdvisoryReader:
    """Reads one source into the catalog, as often as is due; after failures it waits longer and longer."""

    def __init__(
        self,
        *,
        catalog: Catalog,
        client: AdvisoryClient,
        every: timedelta,
        spool_dir: Path,
        rules: Rules,
        now: Callable[[], datetime],
    ) -> None:
        self._catalog = catalog
        self._client = client
        self._every = every
        self._spool_dir = spool_dir
        self._rules = rules
        self._now = now
        self._failures = 0
        self._not_before: datetime | None = None
        self._trusts_changes = True
        self._refused: list[Refused] = []

    @property
    def pace(self) -> timedelta:
        """How often to call `tick`."""
        return min(self._every, _FIRST_RETRY)

    async def tick(self) -> bool:
        """One look, unless it is too early for one. Returns whether everything that the source knows is known now."""
        asked_at = self._now()
        async with self._catalog.reading() as conn:
            known = await advisories.reading(conn)
        if known.source != self._client.url:
            known = Reading(source=self._client.url)
        if not self._is_due(known, asked_at):
            return False
        try:
            known = await self._read(known, asked_at)
        except (UpstreamUnavailableError, NotThereError, StoreError) as e:
            self._give_up_for_now(e, asked_at)
            return False
        finally:
            self._tell_refused()
        self._failures, self._not_before = 0, None
        await self._note(replace(known, checked_at=asked_at))
        await self._judge_settled(asked_at)
        return True

    def _is_due(self, known: Reading, now: datetime) -> bool:
        if self._not_before is not None and now < self._not_before:
            return False
        return known.checked_at is None or not known.checked_at <= now < known.checked_at + self._every

    async def _read(self, known: Reading, asked_at: datetime) -> Reading:
        is_all_due = known.full_at is None or asked_at - known.full_at >= ALL_EVERY or not self._trusts_changes
        if is_all_due:
            known = await self._read_all(known, asked_at)
        try:
            known = await self._read_changes(known, asked_at, has_read_all=is_all_due)
        except (UpstreamUnavailableError, NotThereError) as e:
            self._trusts_changes = False
            if not is_all_due:
                raise
            # All records were just read: of a source that offers nothing else that is all there is to know.
            log.warning("advisories.changes_failed", error=str(e))
            return known
        self._trusts_changes = True
        return known

    async def _read_all(self, known: Reading, asked_at: datetime) -> Reading:
        newest, changed = known.newest, 0
        with _spool(self._spool_dir) as spool:
            try:
                archived = await self._client.archive(spool, etag=known.full_etag)
            except (UpstreamUnavailableError, NotThereError):
                metrics.upstream_requests.labels("advisories", "failed").inc()
                raise
            metrics.upstream_requests.labels("advisories", "new" if archived else "same").inc()
            if archived is None:
                known = replace(known, full_at=asked_at)
                await self._note(known)
                return known
            spool.seek(0)
            found = records(spool)
            while batch := await asyncio.to_thread(_some, found):
                read = [one for one in batch if isinstance(one, Advisory)]
                self._refused += [one for one in batch if isinstance(one, Refused)]
                changed += await self._apply(read)
                newest = max([one.modified for one in read] + ([newest] if newest else []), default=None)
        log.info("advisories.read_all", changed=changed)
        # A time from the future would have later changes overlooked.
        newest = min(newest or asked_at, asked_at)
        known = replace(known, full_at=asked_at, full_etag=archived.etag, newest=newest, changes_etag=None)
        await self._note(known)
        return known

    async def _read_changes(self, known: Reading, asked_at: datetime, *, has_read_all: bool) -> Reading:
        since = (known.newest or asked_at) - OVERLAP
        try:
            modified = await self._client.modified_since(since, etag=known.changes_etag)
        except (UpstreamUnavailableError, NotThereError):
            metrics.upstream_requests.labels("advisories", "failed").inc()
            raise
        metrics.upstream_requests.labels("advisories", "new" if modified else "same").inc()
        if modified is None:
            return known
        wanted = await self._unread(modified.changes)
        if len(wanted) > MOST_SINGLY and not has_read_all:
            known = await self._read_all(known, asked_at)
            wanted = await self._unread(modified.changes)
        await self._read_singly([change.id for change in wanted[:MOST_SINGLY]])
        if len(wanted) > MOST_SINGLY:
            raise UpstreamUnavailableError("more advisories have changed than are asked for at once")
        times = [time for time in (known.newest, modified.newest) if time is not None]
        newest = min(max(times, default=asked_at), asked_at)
        return replace(known, newest=newest, changes_etag=modified.etag)

    async def _unread(self, changes: Sequence[Change]) -> list[Change]:
        async with self._catalog.reading() as conn:
            read = await advisories.modified(conn, [change.id for change in changes])
        # The list may leave fractions of seconds out that the records have, or the other way round.
        return [c for c in changes if c.id not in read or int(read[c.id].timestamp()) < int(c.at.timestamp())]

    async def _read_singly(self, ids: Sequence[str]) -> None:
        changed = 0
        for start in range(0, len(ids), _SIDE_BY_SIDE):
            asked = [self._record(id_) for id_ in ids[start : start + _SIDE_BY_SIDE]]
            changed += await self._apply([one for one in await asyncio.gather(*asked) if one is not None])
        if ids:
            log.info("advisories.read_changes", asked=len(ids), changed=changed)

    async def _record(self, id_: str) -> Advisory | None:
        try:
            return advisory_named(id_, await self._client.record(id_))
        except (BadAdvisoryError, NotThereError) as e:
            # The next reading of all records will have it, if it is there at all.
            self._refused.append(Refused(id_, str(e)))
            return None

    async def _apply(self, read: Sequence[Advisory]) -> int:
        changed = 0
        for start in range(0, len(read), _AT_A_TIME):
            batch = read[start : start + _AT_A_TIME]
            async with self._catalog.reading() as conn:
                known = await advisories.modified(conn, [one.id for one in batch])
            if new := [one for one in batch if one.id not in known or known[one.id] < one.modified]:
                async with self._catalog.writing() as conn:
                    changed += await observe.advisories(conn, new, rules=self._rules, now=self._now())
        return changed

    async def _judge_settled(self, asked_at: datetime) -> None:
        """Judges what only waited for this reading."""
        async with self._catalog.reading() as conn:
            names: list[ProjectName] = await advisories.settling(conn, before=asked_at - self._rules.settle)
        for name in names:
            async with self._catalog.writing() as conn:
                await observe.clock(conn, [name], rules=self._rules, now=self._now())

    async def _note(self, done: Reading) -> None:
        async with self._catalog.writing() as conn:
            await advisories.note_reading(conn, done)

    def _give_up_for_now(self, error: Exception, now: datetime) -> None:
        self._failures += 1
        wait = min(_FIRST_RETRY * 2.0 ** min(self._failures - 1, 10), _LONGEST_RETRY)
        self._not_before = now + wait
        log.warning("advisories.failed", error=str(error), failures=self._failures, retry_seconds=wait.total_seconds())

    def _tell_refused(self) -> None:
        if self._refused:
            first = self._refused[0]
            log.warning("advisories.refused", records=len(self._refused), first=first.id, reason=first.reason)
            self._refused = []


def reader_of(
    settings: Settings,
    *,
    catalog: Catalog,
    session: aiohttp.ClientSession,
    rules: Rules,
    now: Callable[[], datetime],
) -> AdvisoryReader | None:
    """The reader that the settings ask for; None where no advisories are read."""
    if not settings.osv_url:
        return None
    return AdvisoryReader(
        catalog=catalog,
        client=AdvisoryClient(session, settings.osv_url, timeout=settings.upstream.timeout.total_seconds()),
        every=settings.safety.osv_interval,
        spool_dir=settings.spool_dir,
        rules=rules,
        now=now,
    )


def _spool(directory: Path) -> io.FileIO:
    """A file without a name, which is gone with its last user."""
    try:
        directory.mkdir(parents=True, exist_ok=True)
        return tempfile.TemporaryFile(dir=directory, buffering=0)
    except OSError as e:
        raise StoreError(f"the advisories cannot be spooled: {e.strerror}") from e


def _some(found: Iterator[Advisory | Refused]) -> list[Advisory | Refused]:
    return list(islice(found, _AT_A_TIME))
