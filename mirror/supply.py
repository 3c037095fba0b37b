"""Where the bytes of a known file come from: the store, or upstream by way of the keeper.

The link between what is kept and what is remembered of it: what the keeper has verified and stored is recorded here.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from mirror import observe
from mirror.catalog import backlog, evictions, files, instance, notices, room, sealed, tombstones
from mirror.catalog.backlog import Priority
from mirror.catalog.claims import Claims
from mirror.catalog.database import Catalog, Connection
from mirror.catalog.files import FoundFile
from mirror.errors import NoRoomError, NotThereError, RefusedError, StoreError
from mirror.index.paths import Kind
from mirror.keep import Download, Keeper, Kept, Means, Wanted
from mirror.keep.pace import Pace
from mirror.model import FileFacts, ListedFile, State
from mirror.names import Sha256
from mirror.settings import Settings
from mirror.states import Rules
from mirror.store.interface import Store
from mirror.store.keys import StoreKey
from mirror.upstream.session import UpstreamSession

# Real ones have some kilobytes: these bounds only keep a liar from filling the disk.
_MOST_BYTES = {Kind.METADATA: 16 * 2**20, Kind.PROVENANCE: 4 * 2**20}


# What may pass before upstream is asked and after it has answered: more would be longer than installers wait.
_BESIDE_UPSTREAM_SECONDS = 1.0
# A quota may be overdrawn by what comes in that time.
_ROOM_KNOWN_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class Stored:
    """Bytes that the store holds."""

    key: StoreKey
    size: int


class Supply:
    """Finds or fetches the bytes of files. Closes the keeper at the end.

    A client waits for at most `patience_seconds` until it gets the first of them.
    """

    def __init__(
        self,
        *,
        catalog: Catalog,
        store: Store,
        session: UpstreamSession,
        settings: Settings,
        rules: Rules,
        now: Callable[[], datetime],
        claims: Claims | None = None,
    ) -> None:
        self.store = store
        self._catalog = catalog
        self._rules = rules
        self._now = now
        self._hosts = settings.upstream.allowed_file_hosts
        self._private = session.private
        self._has_room_until = 0.0
        self.patience_seconds = settings.upstream.timeout.total_seconds() + _BESIDE_UPSTREAM_SECONDS
        self._keeper = Keeper(
            Means(
                session=session,
                store=store,
                spool_dir=settings.spool_dir,
                allowed_hosts=self._allowed_hosts,
                max_file_size=settings.keep.max_file_size,
                record=self._record,
                allow=self._allow,
                recorded=self._digest_by_now,
                claims=claims or Claims(),
                patience_seconds=self.patience_seconds,
                failed=self._try_again,
                require_room=self._require_room,
            )
        )

    async def stored(self, file: FoundFile, kind: Kind = Kind.FILE) -> Stored | None:
        """The file's bytes in the store, or those of its sibling; None where they must be fetched.

        An object that the catalog knows but the store lost is None too, so that a fetch heals it.
        """
        sha256 = _stored_digest(file.facts, kind)
        if sha256 is None:
            return None
        key = StoreKey(sha256)
        size = await self.store.size(key)
        if size is None:
            size = await self._lent(key)
        return Stored(key, size) if size is not None else None

    async def _lent(self, key: StoreKey) -> int | None:
        """The size of what was sealed while it was blocked, when whoever unseals it has not come to it yet."""
        async with self._catalog.writing() as conn:
            if not await sealed.lend(conn, key.sha256):
                return None
            # Before anybody can take it for sealed again.
            await self.store.lend(key)
        return await self.store.size(key)

    def fetch(self, file: FoundFile, kind: Kind = Kind.FILE, *, pace: Pace | None = None) -> Download:
        """Fetches the file, or its sibling, unless that is under way already. PrivateNameError for a private name.

        At this pace, until a client waits for it.
        """
        self._private.refuse(file.project)
        facts = file.facts
        if facts.id is None:
            raise NotThereError("a file that is not in the catalog cannot be kept")
        listed = facts.listed_file
        if kind is Kind.PROVENANCE and listed.provenance is None:
            raise NotThereError("upstream names no provenance for this file")
        urls = {Kind.FILE: listed.url, Kind.METADATA: f"{listed.url}.metadata", Kind.PROVENANCE: listed.provenance}
        return self._keeper.fetch(
            Wanted(
                url=urls[kind] or listed.url,
                sha256=_promised_digest(listed, kind),
                size=listed.size if kind is Kind.FILE else None,
                filename=listed.filename,
                project=file.project,
                version=listed.version,
                file_id=facts.id,
                kind=kind,
                most=_MOST_BYTES.get(kind),
            ),
            pace=pace,
        )

    async def close(self) -> None:
        """Ends what is being fetched."""
        await self._keeper.close()

    async def _record(self, wanted: Wanted, kept: Kept) -> None:
        may_stay, is_blocked = await self._recorded(wanted, kept)
        if may_stay and is_blocked:
            # Who was let in before the block must not get the last of them.
            raise RefusedError("these bytes were blocked while they were on their way")
        if may_stay:
            return
        # It was on its way while an operator had it destroyed, or it is banned under every name.
        async with self._catalog.reading() as conn:
            needed = await tombstones.still_needed(conn, [kept.sha256])
        if kept.sha256 not in needed:
            await self.store.delete(StoreKey(kept.sha256))
        raise RefusedError("an operator of this mirror had these bytes destroyed")

    async def _allow(self, wanted: Wanted, kept: Kept) -> None:
        """Raises RefusedError where the bytes, though not stored, may not be handed out any more."""
        async with self._catalog.reading() as conn:
            found = await files.by_id(conn, wanted.file_id)
            is_banned = await tombstones.is_buried(conn, kept.sha256)
        if is_banned or (found is not None and found.facts.state is State.PURGED):
            raise RefusedError("an operator of this mirror had these bytes destroyed")
        if found is not None and found.facts.state is State.BLOCKED:
            raise RefusedError("these bytes were blocked while they were on their way")

    async def _digest_by_now(self, wanted: Wanted) -> Sha256 | None:
        async with self._catalog.reading() as conn:
            found = await files.by_id(conn, wanted.file_id)
        return _stored_digest(found.facts, wanted.kind) if found is not None else None

    async def _recorded(self, wanted: Wanted, kept: Kept) -> tuple[bool, bool]:
        """Whether the store may hold these bytes for the file, which the catalog then knows; and if that is blocked."""
        async with self._catalog.writing() as conn:
            may_stay = await self._noted(conn, wanted, kept)
            if may_stay and await evictions.reprieve(conn, [kept.sha256]):
                await self._require(kept)
            found = await files.by_id(conn, wanted.file_id)
        return may_stay, found is not None and found.facts.state is State.BLOCKED

    async def _require(self, kept: Kept) -> None:
        """Raises StoreError where the object made room for others after it was found to be there."""
        if await self.store.size(StoreKey(kept.sha256)) is None:
            raise StoreError("the bytes were taken away while they were being noted; they can be fetched again")

    async def _require_room(self, wanted: Wanted) -> None:
        """Raises NoRoomError where the quota is used up, nothing may make room, and upstream still has the file."""
        seconds = time.monotonic()
        if seconds < self._has_room_until:
            return
        async with self._catalog.reading() as conn:
            if await room.kept_up_to(conn) > Priority.RESCUE:
                self._has_room_until = seconds + _ROOM_KNOWN_SECONDS
                return
            found = await files.by_id(conn, wanted.file_id)
        if found is None or not found.facts.is_gone:
            raise NoRoomError("keep.quota is used up, and nothing may make room")

    async def _try_again(self, wanted: Wanted) -> None:
        async with self._catalog.writing() as conn:
            await backlog.add(conn, [wanted.file_id], Priority.REQUESTED, now=self._now())
            await notices.backlog_grew(conn)

    async def _noted(self, conn: Connection, wanted: Wanted, kept: Kept) -> bool:
        if wanted.kind is Kind.PROVENANCE:
            return await observe.provenance_stored(
                conn, wanted.file_id, sha256=kept.sha256, rules=self._rules, now=self._now()
            )
        if wanted.kind is Kind.METADATA:
            return await observe.metadata_stored(
                conn, wanted.file_id, sha256=kept.sha256, rules=self._rules, now=self._now()
            )
        return await observe.file_stored(
            conn,
            wanted.file_id,
            sha256=kept.sha256,
            size=kept.size,
            source=kept.hash_source,
            rules=self._rules,
            now=self._now(),
        )

    async def _allowed_hosts(self) -> tuple[str, ...]:
        if not self._hosts:
            async with self._catalog.reading() as conn:
                # Once there are any they are frozen.
                self._hosts = (await instance.read(conn)).file_hosts or ()
        return self._hosts


async def by_path(catalog: Catalog, digest: bytes, filename: str) -> list[FoundFile]:
    """The files that a path can mean."""
    async with catalog.reading() as conn:
        return await files.by_path(conn, digest, filename)


def _promised_digest(listed: ListedFile, kind: Kind) -> Sha256 | None:
    if kind is Kind.FILE:
        return listed.sha256
    if kind is Kind.METADATA and isinstance(listed.core_metadata, str):
        return listed.core_metadata
    return None


def _stored_digest(facts: FileFacts, kind: Kind) -> Sha256 | None:
    """By which digest the store has the file, or its sibling, as far as the catalog knows."""
    if kind is Kind.PROVENANCE:
        return facts.provenance_sha256
    recorded = facts.stored_at if kind is Kind.FILE else facts.metadata_stored_at
    return _promised_digest(facts.listed_file, kind) if recorded is not None else None
