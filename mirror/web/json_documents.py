"""Documents of the JSON API, rendered once and kept ready for as long as the page that they tell of stays as it is."""

import asyncio
from collections import OrderedDict
from dataclasses import dataclass
from datetime import datetime

import structlog
from packaging.metadata import RawMetadata

from mirror.catalog.database import Catalog
from mirror.catalog.files import FoundFile
from mirror.errors import EverpinError, NotThereError
from mirror.index.json_api import (
    CONTENT_TYPE,
    Release,
    latest_of,
    read_metadata,
    release_of,
    releases_of,
    render_project,
    render_release,
)
from mirror.index.merge import Entry
from mirror.index.paths import Kind, digest_of_path
from mirror.index.render import Rendered, rendered
from mirror.names import ProjectName, Serial, same_version_key
from mirror.store.checked import read_whole
from mirror.store.keys import StoreKey
from mirror.supply import Supply, by_path
from mirror.web.pages import Offered, Pages

log = structlog.get_logger()

_METADATA_SECONDS = 5.0
"""How long a client waits for metadata that is not here yet; a document without it is still true."""
_LARGEST_METADATA = 4 * 2**20
_FILES_RENDERED_IN_THE_LOOP = 300
_DOCUMENT_BYTES = 1_000

_Key = tuple[ProjectName, str | None, str]


@dataclass(frozen=True, slots=True)
class Document:
    """A document as it is served; serial and `stale_seconds` are those of the page."""

    rendered: Rendered
    serial: Serial | None
    stale_seconds: int | None


@dataclass(frozen=True, slots=True)
class _Held:
    """A document in memory, and of which state of the page it tells."""

    rendered: Rendered
    revision: int
    valid_until: datetime | None

    @property
    def size(self) -> int:
        return len(self.rendered.body) + len(self.rendered.gzipped) + _DOCUMENT_BYTES


class JsonDocuments:
    """The documents of one process, in at most `most_bytes`: those not asked for longest go first."""

    def __init__(self, *, catalog: Catalog, supply: Supply, pages: Pages, most_bytes: int) -> None:
        self._catalog = catalog
        self._supply = supply
        self._pages = pages
        self._most_bytes = most_bytes
        self._held: OrderedDict[_Key, _Held] = OrderedDict()
        self._bytes = 0

    async def get(self, project: ProjectName, version: str | None, origin: str) -> Document:
        """The document of one version, in any spelling, or that of the project, with absolute links below `origin`.

        Raises NotThereError where nothing of it is offered, or UpstreamUnavailableError where nobody can say.
        """
        offered = await self._pages.offer(project)
        key = (project, None if version is None else same_version_key(version), origin)
        held = self._held.get(key)
        now_valid = (offered.project.revision, offered.offer.valid_until)
        if held is None or (held.revision, held.valid_until) != now_valid:
            self._drop(key)
            held, is_complete = await self._made(offered, version, origin)
            if is_complete:
                self._keep(key, held)
        else:
            self._held.move_to_end(key)
        return Document(held.rendered, offered.offer.serial, offered.stale_seconds)

    async def _made(self, offered: Offered, version: str | None, origin: str) -> tuple[_Held, bool]:
        """The document, and whether all is in it that could be."""
        project, offer = offered.project, offered.offer
        releases = releases_of(offer)
        release = latest_of(releases) if version is None else release_of(releases, version)
        if release is None:
            raise NotThereError(f"{project.name} has no release here" + (" of that version" if version else ""))
        metadata, is_complete = await self._metadata(project.name, release)

        def work() -> Rendered:
            if version is None:
                body = render_project(project, releases, release, metadata, offer=offer, origin=origin)
            else:
                body = render_release(project, release, metadata, offer=offer, origin=origin)
            return rendered(body, CONTENT_TYPE)

        is_large = len(offer.entries) > _FILES_RENDERED_IN_THE_LOOP
        made = await asyncio.to_thread(work) if is_large else work()
        return _Held(made, project.revision, offer.valid_until), is_complete

    async def _metadata(self, project: ProjectName, release: Release) -> tuple[RawMetadata | None, bool]:
        """What the release says of itself, and whether asking again is of no use."""
        source = release.metadata_source
        found = None if source is None else await self._found(project, source)
        if found is None:
            return None, True
        try:
            async with asyncio.timeout(_METADATA_SECONDS):
                body = await self._body(found)
        except (EverpinError, TimeoutError) as e:
            log.info("json_api.no_metadata", project=project, filename=found.facts.filename, error=str(e) or "too slow")
            return None, False
        return None if body is None else await asyncio.to_thread(read_metadata, body), True

    async def _found(self, project: ProjectName, source: Entry) -> FoundFile | None:
        """The file behind an entry."""
        digest = digest_of_path(source.path)
        if digest is None:
            return None
        candidates = await by_path(self._catalog, digest, source.file.filename)
        of_entry = (each for each in candidates if each.project == project and each.facts.sha256 == source.file.sha256)
        return max(of_entry, key=lambda each: each.facts.incarnation, default=None)

    async def _body(self, found: FoundFile) -> bytes | None:
        """The file's metadata, from the store or by a fetch; None where it is larger than anybody's."""
        stored = await self._supply.stored(found, Kind.METADATA)
        if stored is None:
            kept = await self._supply.fetch(found, Kind.METADATA).finished()
            key, size = StoreKey(kept.sha256), kept.size
        else:
            key, size = stored.key, stored.size
        if size > _LARGEST_METADATA:
            return None
        return await read_whole(self._supply.store, key)

    def _keep(self, key: _Key, held: _Held) -> None:
        self._drop(key)
        self._held[key] = held
        self._bytes += held.size
        while self._bytes > self._most_bytes:
            _, oldest = self._held.popitem(last=False)
            self._bytes -= oldest.size

    def _drop(self, key: _Key) -> None:
        if (held := self._held.pop(key, None)) is not None:
            self._bytes -= held.size
