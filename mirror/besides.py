"""Takes in again what the own store holds beside files: their metadata and provenance, after the catalog was lost.

What stands beside an object says of which file it is. Metadata are believed where their digest is the one that the
index names, or where no index ever listed the file and an operator vouched for it; provenance, for which no index names
a digest, where it is some at all. Anything else is fetched again when somebody asks for it.
"""

from collections.abc import Callable
from contextlib import aclosing
from datetime import datetime

import structlog

from mirror import observe
from mirror.catalog import files, projects
from mirror.catalog.database import Catalog
from mirror.errors import EverpinError
from mirror.index.owners import owners_of
from mirror.index.paths import Kind
from mirror.index.siblings import is_provenance
from mirror.model import FileFacts
from mirror.names import Sha256
from mirror.offers import Offered
from mirror.states import Rules

log = structlog.get_logger()

_LARGEST = 16 * 2**20
"""Of provenance; it is looked at in memory."""


class Besides:
    """Remembers what is offered, and takes it in when the files themselves are known."""

    def __init__(self, catalog: Catalog, *, rules: Rules, now: Callable[[], datetime]) -> None:
        self._catalog = catalog
        self._rules = rules
        self._now = now
        self._waiting: list[tuple[Offered, str, Kind]] = []

    def take(self, offered: Offered) -> bool:
        """Whether it is such an object of the own store, by its name. What is sealed stays as it is."""
        for kind in (Kind.METADATA, Kind.PROVENANCE):
            if offered.is_stored and offered.name.endswith(kind.suffix):
                if not offered.is_sealed:
                    self._waiting.append((offered, offered.name.removesuffix(kind.suffix), kind))
                return True
        return False

    async def end(self) -> int:
        """Takes in what belongs to files that are stored by now, and says for how many of them."""
        waiting, self._waiting = self._waiting, []
        return sum([await self._beside(*one) for one in waiting])

    async def _beside(self, offered: Offered, filename: str, kind: Kind) -> int:
        wanting = [file for file in await self._named(filename) if _lacks(file, kind)]
        if not wanting:
            return 0
        try:
            sha256 = (await offered.digests()).sha256
            if kind is Kind.PROVENANCE and not await _is_provenance(offered):
                return 0
            return sum([await self._record(file, kind, sha256) for file in wanting])
        except EverpinError as e:
            # Nothing is lost: it is fetched again.
            log.warning("adoption.sibling_failed", name=offered.name, error=str(e))
            return 0

    async def _named(self, filename: str) -> list[FileFacts]:
        found: list[FileFacts] = []
        async with self._catalog.reading() as conn:
            for owner in owners_of(filename):
                project = await projects.find(conn, owner)
                known = await files.of_project(conn, project) if project is not None else ()
                found += [file for file in known if file.filename == filename]
        return found

    async def _record(self, file: FileFacts, kind: Kind, sha256: Sha256) -> bool:
        if file.id is None or not _is_believed(file, kind, sha256):
            return False
        record = observe.metadata_stored if kind is Kind.METADATA else observe.provenance_stored
        async with self._catalog.writing() as conn:
            return await record(conn, file.id, sha256=sha256, rules=self._rules, now=self._now())


def _lacks(file: FileFacts, kind: Kind) -> bool:
    if file.stored_at is None:
        return False
    if kind is Kind.METADATA:
        return file.metadata_stored_at is None
    return file.provenance_sha256 is None and file.listed_file.provenance is not None


async def _is_provenance(offered: Offered) -> bool:
    body = b""
    async with aclosing(offered.chunks()) as chunks:
        async for chunk in chunks:
            body += chunk
            if len(body) > _LARGEST:
                return False
    return is_provenance(body)


def _is_believed(file: FileFacts, kind: Kind, sha256: Sha256) -> bool:
    return kind is Kind.PROVENANCE or not file.listed_file.url or file.listed_file.core_metadata == sha256
