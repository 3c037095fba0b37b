"""Who wants the same bytes shares one download."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

from mirror.keep.download import Download, Means
from mirror.keep.wanted import Kept, Wanted
from mirror.names import Sha256
from mirror.store.interface import Store
from mirror.upstream.session import UpstreamSession

# The URL and the size belong to the key: a page that names somebody else's digest beside a dead link or a wrong size
# must not spoil the download of those who asked for it properly.
_Key = tuple[Sha256 | None, str, int | None]


class Keeper:
    """Starts downloads and ends them.

    `record` is told of every file whose bytes are now in the store, before anybody gets the last of them.
    `allowed_hosts` is asked at the start of each download. There is no bound on how many run; each reserves the room
    that it needs, and one that finds none fails at once.
    """

    def __init__(
        self,
        *,
        session: UpstreamSession,
        store: Store,
        spool_dir: Path,
        allowed_hosts: Callable[[], Awaitable[tuple[str, ...]]],
        max_file_size: int,
        record: Callable[[Wanted, Kept], Awaitable[None]],
    ) -> None:
        self._means = Means(session, store, spool_dir, allowed_hosts, max_file_size, record)
        self._running: dict[_Key, Download] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    def fetch(self, wanted: Wanted) -> Download:
        """The running download of these bytes, else a new one: one request upstream for all in this process."""
        key = (wanted.sha256, wanted.url, wanted.size)
        running = self._running.get(key)
        if running is not None and not running.is_over:
            running.join(wanted)
            return running
        download = Download(self._means, wanted)
        self._running[key] = download
        task = asyncio.create_task(download.run(), name="keep")
        self._tasks.add(task)
        task.add_done_callback(lambda done: self._forget(key, download, done))
        return download

    async def close(self) -> None:
        """Gives up what runs; whoever waits for it is told. What was spooled is deleted."""
        tasks = tuple(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _forget(self, key: _Key, download: Download, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if task.cancelled():
            download.give_up()
        if self._running.get(key) is download:
            del self._running[key]
