"""Clients that ask for pages and files without a pause and judge every answer that they get."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import aiohttp
import msgspec

from mirror.web.problems import RETRY_AFTER_SECONDS
from tests.journeys.processes import Everpin, Fetched, until
from tests.pypi_sim import File

_JSON_PAGE = "application/vnd.pypi.simple.v1+json"
_PAUSE_SECONDS = 0.02


@dataclass
class Crowd:
    """Clients of one everpin. What is added to `files` while they run is asked for too, at first as a cold file.

    Every answer has to be right, or to say that there is none for now: 503 with a wait that clients can bear. A body
    may be broken off, which every client notices, but never be complete and wrong. Whatever else comes is in `wrong`.
    """

    everpin: Everpin
    files: list[File]
    seen: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)

    async def more(self, *kinds: str, times: int = 20) -> None:
        """Waits until so many more answers of each kind came: "page", "file" or "503"."""
        wanted = {kind: self.seen[kind] + times for kind in kinds}

        async def came() -> bool:
            assert self.wrong == []
            return all(self.seen[kind] >= count for kind, count in wanted.items())

        await until(came)

    async def _ask(self, first: int) -> None:
        number = first
        while True:
            file = self.files[number % len(self.files)]
            number += 1
            try:
                await self._ask_for(file)
            except aiohttp.ClientPayloadError:
                self.seen["broken off"] += 1
            except aiohttp.ClientError as e:
                self.wrong.append(f"{file.filename}: {e!r}")
            await asyncio.sleep(_PAUSE_SECONDS)

    async def _ask_for(self, file: File) -> None:
        page = await self.everpin.get(f"/simple/{file.project}/", Accept=_JSON_PAGE)
        if not self._is_good(page, file.project):
            return
        listed: Mapping[str, Any] = {entry["filename"]: entry for entry in msgspec.json.decode(page.body)["files"]}
        entry = listed.get(file.filename)
        if entry is None:
            # Deleted upstream before its bytes were here: until they are, the page leaves it out.
            self.seen["not listed"] += 1
            return
        if entry["hashes"]["sha256"] != file.sha256:
            self.wrong.append(f"{file.filename}: the page names another digest")
        self.seen["page"] += 1
        answer = await self.everpin.get(f"/{entry['url'].removeprefix('../../')}")
        if not self._is_good(answer, file.filename):
            return
        if answer.body != file.content:
            self.wrong.append(f"{file.filename}: {len(answer.body)} bytes that are not the file's")
        self.seen["file"] += 1

    def _is_good(self, answer: Fetched, name: str) -> bool:
        if answer.status == 503 and answer.headers.get("Retry-After") == str(RETRY_AFTER_SECONDS):
            self.seen["503"] += 1
        elif answer.status != 200:
            self.wrong.append(f"{name}: {answer.status} {answer.reason} {answer.body!r}")
        return answer.status == 200


@asynccontextmanager
async def crowd(everpin: Everpin, files: list[File], *, clients: int = 16) -> AsyncIterator[Crowd]:
    """So many clients while inside; all their answers were right."""
    asking = Crowd(everpin, files)
    tasks = [asyncio.create_task(asking._ask(number)) for number in range(clients)]
    try:
        yield asking
        ended = [task.exception() for task in tasks if task.done()]
        assert ended == []
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    assert asking.wrong == []
