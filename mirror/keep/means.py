"""What every download of a keeper works with."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

from mirror.catalog.claims import Claims
from mirror.keep.wanted import Kept, Wanted
from mirror.names import Sha256
from mirror.store.interface import Store
from mirror.upstream.session import UpstreamSession


@dataclass(frozen=True, slots=True)
class Means:
    """`record` notes what the store has for good, or refuses it; `allow` only says whether it may be handed out.

    `recorded` is the digest under which the store has by now what nobody had promised one for. Nobody who waits for a
    first byte waits longer than `patience_seconds`. `failed` is told what a client waited for in vain, if it may come.
    `require_room` raises NoRoomError where what a client waits for is not worth the room that is left.
    """

    session: UpstreamSession
    store: Store
    spool_dir: Path
    allowed_hosts: Callable[[], Awaitable[tuple[str, ...]]]
    max_file_size: int
    record: Callable[[Wanted, Kept], Awaitable[None]]
    allow: Callable[[Wanted, Kept], Awaitable[None]]
    recorded: Callable[[Wanted], Awaitable[Sha256 | None]]
    claims: Claims
    patience_seconds: float
    failed: Callable[[Wanted], Awaitable[None]] | None = None
    require_room: Callable[[Wanted], Awaitable[None]] | None = None
