"""Files and their metadata: the state decides before anything else, then the bytes come from the store or by a fetch.

A path is found in the catalog; one that no observed page lists is looked for on the pages of the projects that its name
can belong to, and never fetched otherwise. The state rules the file and its metadata alike, whoever asks and however
they learnt the address.
"""

import re
from collections.abc import Callable
from contextlib import suppress

from aiohttp import web
from packaging.utils import InvalidSdistFilename, InvalidWheelFilename, parse_sdist_filename, parse_wheel_filename

from mirror.catalog.files import FoundFile
from mirror.errors import EverpinError, NotThereError
from mirror.index.negotiate import ContentType
from mirror.index.paths import Kind, ParsedPath, parse_path
from mirror.keep import Download
from mirror.model import Cause, FileFacts, State
from mirror.names import ProjectName, project_name
from mirror.store.keys import StoreKey
from mirror.supply import Stored, Supply, by_path
from mirror.web.downloads import CountedFile
from mirror.web.keys import CATALOG, DOWNLOADS, PAGES, REFRESHER, SUPPLY
from mirror.web.pages import Pages
from mirror.web.problems import Problem

_SERVED = (State.LIVE, State.YANKED, State.KEPT)
_PREFERENCE = [State.LIVE, State.YANKED, State.KEPT, State.HELD, State.LOST]
_CACHE_CONTROL = "public, max-age=600"
"""The bytes never change, but a takedown must reach caches that we cannot reach."""
_VERSION_BEGINS = re.compile(r"-(?=v?[0-9])", re.ASCII)
_MOST_OWNERS = 3
_LONGEST_NAME_TOLD = 80
"""Status lines are cut off at some length, and what is the matter must not be what is lost of them."""

WHY = {
    Cause.YOUNG: "it was deleted upstream soon after its upload",
    Cause.STRANGER: "it appeared after its version had been deleted upstream",
    Cause.REPLACED: "another file had this name before",
    Cause.QUARANTINE: "it is or was quarantined upstream",
    Cause.OPERATOR: "the operator of this mirror blocked it",
    Cause.UNEXPLAINED: "it is gone upstream, and nothing says why",
    Cause.SETTLING: "its project was young when it was deleted upstream; this passes by itself",
    Cause.ADVISORY: "an advisory calls it malware",
    Cause.SETTING: "this mirror serves nothing that was deleted upstream",
    Cause.RESCUE: "its bytes are not here yet",
}


async def file(request: web.Request) -> web.StreamResponse:
    """`/packages/{aa}/{bb}/{rest}/{filename}`, also with `.metadata` or `.provenance` at the end."""
    info = request.match_info
    asked = parse_path(info["aa"], info["bb"], info["rest"], info["filename"])
    if asked is None:
        raise Problem(404, "Not Found", "no file has this address")
    found = await _find(request, asked)
    _refuse_withheld(found)
    kind = asked.kind
    if kind is Kind.METADATA and found.facts.listed_file.core_metadata is False:
        raise Problem(404, "Not Found", "this file has no metadata of its own")
    if kind is Kind.PROVENANCE and found.facts.listed_file.provenance is None:
        raise Problem(404, "Not Found", "upstream names no provenance for this file")
    supply = request.app[SUPPLY]
    stored = await supply.stored(found, kind)
    if stored is None:
        return await _fetched(request, supply, found, kind)
    return _from_store(supply, stored, found.facts.state, served=_counting(request, found, kind))


async def _find(request: web.Request, asked: ParsedPath) -> FoundFile:
    catalog = request.app[CATALOG]
    candidates = await by_path(catalog, asked.digest, asked.filename)
    judged = [await request.app[REFRESHER].judge_if_due(found.project, [found.facts]) for found in candidates]
    if any(judged):
        candidates = await by_path(catalog, asked.digest, asked.filename)
    if not candidates:
        for project in _owners(asked.filename):
            await _observe(request.app[PAGES], project)
            candidates = await by_path(catalog, asked.digest, asked.filename)
            if candidates:
                break
    if not candidates:
        raise Problem(404, "Not Found", "no page lists this file")
    # One address, one content: what is withheld of it in any of its lives is withheld in all of them.
    for candidate in candidates:
        if candidate.facts.state in (State.PURGED, State.BLOCKED):
            return candidate
    # Where the same name lived more than once, the last life says what these bytes are worth.
    last = {(c.project, c.facts.sha256): c for c in sorted(candidates, key=lambda c: c.facts.incarnation)}
    return min(last.values(), key=lambda candidate: _PREFERENCE.index(candidate.facts.state))


def _owners(filename: str) -> list[ProjectName]:
    """The projects that a file of this name can belong to, the likeliest first.

    In older names the dashes do not tell where the project ends and the version begins.
    """
    with suppress(InvalidWheelFilename):
        return [parse_wheel_filename(filename)[0]]
    names: list[ProjectName] = []
    with suppress(InvalidSdistFilename):
        names.append(parse_sdist_filename(filename)[0])
    for found in _VERSION_BEGINS.finditer(filename):
        name = project_name(filename[: found.start()])
        if name is not None and name not in names:
            names.append(name)
    return names[:_MOST_OWNERS]


async def _observe(pages: Pages, project: ProjectName) -> None:
    """Has the project's page, as fresh as any client would get it; that one is fresh asks nothing of upstream."""
    with suppress(NotThereError):
        await pages.get(project, ContentType.V1_JSON)


def _refuse_withheld(found: FoundFile) -> None:
    facts = found.facts
    state, cause = facts.state, facts.cause
    if state in _SERVED or cause is Cause.RESCUE:
        return
    name = facts.filename if len(facts.filename) <= _LONGEST_NAME_TOLD else f"{facts.filename[:_LONGEST_NAME_TOLD]}..."
    when = _when(facts)
    if state is State.PURGED:
        raise Problem(410, f"{name} was purged by the operator of this mirror", state=state)
    if state is State.LOST:
        raise Problem(404, f"{name} is lost", f"its bytes could not be had any more{when}", state=state)
    why = WHY[cause] if cause is not None else "it may not be served"
    if cause is Cause.STRANGER and facts.newcomer_in is not None and not facts.stranger:
        why = "its project was registered again after its deletion"
    if cause is Cause.YOUNG and not facts.is_gone:
        why = "it is new, and this mirror waits a while before it serves new files"
    title = f"{name} is {state} by this mirror: {why}"
    raise Problem(403, title, f"{why}{when}", state=f"{state}; cause={cause}")


def _when(facts: FileFacts) -> str:
    if facts.departed is not None:
        return f"; it was deleted upstream on {facts.departed.at:%Y-%m-%d} (serial {facts.departed.serial})"
    if facts.disappeared_at is not None and facts.missing_since is not None:
        return f"; it is missing upstream since {facts.missing_since:%Y-%m-%d}, unexplained"
    return ""


def _headers(state: State) -> dict[str, str]:
    return {
        "Content-Type": "application/octet-stream",
        "Content-Disposition": "attachment",
        "Cache-Control": _CACHE_CONTROL,
        "X-Everpin-State": state,
    }


def _counting(request: web.Request, found: FoundFile, kind: Kind) -> Callable[[], None]:
    """What is to be done once the answer was sent whole."""
    counts, file_id = request.app[DOWNLOADS], found.facts.id
    return lambda: None if kind is not Kind.FILE or file_id is None else counts.count(file_id)


def _from_store(supply: Supply, stored: Stored, state: State, *, served: Callable[[], None]) -> web.StreamResponse:
    path = supply.store.local_path(stored.key)
    if path is None:
        raise Problem(503, "Temporarily Unavailable", "this store cannot be read from here")
    return CountedFile(path, headers=_headers(state), served=served)


async def _fetched(request: web.Request, supply: Supply, found: FoundFile, kind: Kind) -> web.StreamResponse:
    """Bytes that are not here yet: passed on while they arrive, but never completed before they are verified."""
    # A rescued file that gets here is kept by the time its last byte goes out.
    state = State.KEPT if found.facts.state is State.HELD else found.facts.state
    size = found.facts.listed_file.size
    if request.method == "HEAD" and size is not None and kind is Kind.FILE:
        # The page told the length already; a question about a file is no reason to fetch it.
        return web.Response(headers=_headers(state) | {"Content-Length": str(size), "Accept-Ranges": "bytes"})
    served = _counting(request, found, kind)
    download = supply.fetch(found, kind)
    try:
        size = await download.opened()
        if request.method == "HEAD" or "Range" in request.headers or size is None:
            # Parts are cut, and lengths told, only from what was verified as a whole.
            kept = await download.finished()
            return _from_store(supply, Stored(StoreKey(kept.sha256), kept.size), state, served=served)
        return await _streamed(request, download, size, state, served=served)
    except NotThereError as e:
        raise Problem(404, f"{found.facts.filename} is not there upstream any more", str(e)) from e


async def _streamed(
    request: web.Request, download: Download, size: int, state: State, *, served: Callable[[], None]
) -> web.StreamResponse:
    answer = web.StreamResponse(headers=_headers(state) | {"Content-Length": str(size)})
    try:
        await answer.prepare(request)
        async for chunk in download.chunks():
            await answer.write(chunk)
        await answer.write_eof()
        served()
    except (EverpinError, OSError) as e:
        # The client is gone, or the headers are out: then the only honest way to say that the rest is missing is to
        # break the connection.
        if request.transport is not None:
            request.transport.abort()
        if isinstance(e, EverpinError):
            raise
    return answer
