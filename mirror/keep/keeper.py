"""Who wants the same bytes shares one download."""

import asyncio

from mirror.keep.download import Download
from mirror.keep.means import Means
from mirror.keep.pace import Pace
from mirror.keep.wanted import Wanted


class Keeper:
    """Starts downloads and ends them.

    `record` is told of every file whose bytes are now in the store, before anybody gets the last of them; `allow` is
    asked instead about verified bytes that could not be kept. `allowed_hosts` is asked at the start of each download.
    There is no bound on how many run; each reserves the room that it needs. Keepers with the same `claims`, or whose
    claims are connected to the same database, fetch nothing twice at a time.
    """

    def __init__(self, means: Means) -> None:
        self._means = means
        self._running: dict[str, Download] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    def fetch(self, wanted: Wanted, *, pace: Pace | None = None) -> Download:
        """The running download of these bytes, else a new one: one request upstream for all who wait.

        One that has a `pace` keeps to it for as long as no client waits.
        """
        running = self._running.get(wanted.name)
        if running is not None and running.can_be_joined:
            running.join(wanted)
            return running
        download = Download(self._means, wanted, pace=pace)
        self._running[wanted.name] = download
        task = asyncio.create_task(download.run(), name="keep")
        self._tasks.add(task)
        task.add_done_callback(lambda done: self._forget(wanted.name, download, done))
        return download

    async def close(self) -> None:
        """Gives up what runs; whoever waits for it is told. What was spooled is deleted."""
        tasks = tuple(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _forget(self, name: str, download: Download, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if task.cancelled():
            download.give_up()
        if self._running.get(name) is download:
            del self._running[name]
