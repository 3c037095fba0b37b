"""Files and their siblings: the state decides before anything else, then the bytes come from the store or by a fetch.

A path is found in memory or in the catalog; one that no observed page lists is looked for on the pages of the projects
that its name can belong to, and never fetched otherwise. The state rules the file and its siblings alike, whoever asks
and however they learnt the address.
"""

from contextlib import suppress

from aiohttp import web

from mirror.catalog.files import FoundFile
from mirror.errors import NotThereError
from mirror.index.owners import owners_of
from mirror.index.paths import Kind, ParsedPath, parse_path, path_of
from mirror.model import State
from mirror.names import ProjectName
from mirror.states import earliest_end
from mirror.supply import by_path
from mirror.web.fetched_files import fetched
from mirror.web.file_memory import Address, Servable
from mirror.web.keys import CATALOG, DOWNLOADS, FILES, PAGES, REFRESHER, SUPPLY
from mirror.web.pages import Pages
from mirror.web.problems import Problem
from mirror.web.stored_files import answer
from mirror.web.withheld import refuse_withheld

FILE_ROUTE = "/packages/{aa}/{bb}/{rest}/{filename}"

_PREFERENCE = [State.LIVE, State.YANKED, State.KEPT, State.HELD, State.LOST]


async def file(request: web.Request) -> web.StreamResponse:
    """`/packages/{aa}/{bb}/{rest}/{filename}`, also with `.metadata` or `.provenance` at the end."""
    info = request.match_info
    asked = parse_path(info["aa"], info["bb"], info["rest"], info["filename"])
    if asked is None:
        raise Problem(404, "Not Found", "no file has this address")
    address = address_of(asked)
    remembered = request.app[FILES].find(address)
    if remembered is not None:
        found = await answer(request, remembered, request.app[SUPPLY].store, request.app[DOWNLOADS])
        if found is not None:
            return found
        request.app[FILES].forget(address)
    return await _by_catalog(request, asked, address)


def address_of(asked: ParsedPath) -> Address:
    """The path as pages spell it."""
    return Address(f"/{path_of(asked.digest, asked.filename)}{asked.kind.suffix}")


async def _by_catalog(request: web.Request, asked: ParsedPath, address: Address) -> web.StreamResponse:
    supply, memory = request.app[SUPPLY], request.app[FILES]
    with memory.asking() as asking:
        candidates = await _candidates(request, asked)
        found = _ruling(candidates)
        refuse_withheld(found.facts)
        _refuse_absent(found, asked.kind)
        stored = await supply.stored(found, asked.kind)
        if stored is not None:
            servable = Servable(found.facts.state, stored.key, stored.size, asked.kind, found.facts.id)
            projects = {candidate.project for candidate in candidates}.union(owners_of(asked.filename))
            until = earliest_end(candidate.facts for candidate in candidates)
            memory.keep(address, servable, asking, projects=projects, until=until)
    if stored is not None and (sent := await answer(request, servable, supply.store, request.app[DOWNLOADS])):
        return sent
    # Not here, or lost by the store since it was asked.
    memory.forget(address)
    return await fetched(request, found, asked.kind)


async def _candidates(request: web.Request, asked: ParsedPath) -> list[FoundFile]:
    """The files that the path can mean, their states as they are now. Raises Problem where there is none."""
    catalog = request.app[CATALOG]
    candidates = await by_path(catalog, asked.digest, asked.filename)
    judged = [await request.app[REFRESHER].judge_if_due(found.project, [found.facts]) for found in candidates]
    if any(judged):
        candidates = await by_path(catalog, asked.digest, asked.filename)
    if not candidates:
        for project in owners_of(asked.filename):
            await _observe(request.app[PAGES], project)
            candidates = await by_path(catalog, asked.digest, asked.filename)
            if candidates:
                break
    # What upstream supplied under a name that is private now is nobody's business any more.
    private = request.app[REFRESHER].index.private
    candidates = [candidate for candidate in candidates if candidate.project not in private]
    if not candidates:
        raise Problem(404, "Not Found", "no page lists this file")
    return candidates


def _ruling(candidates: list[FoundFile]) -> FoundFile:
    """The one whose state rules the address."""
    # One address, one content: what is withheld of it in any of its lives is withheld in all of them.
    for candidate in candidates:
        if candidate.facts.state in (State.PURGED, State.BLOCKED):
            return candidate
    # Where the same name lived more than once, the last life says what these bytes are worth.
    last = {(c.project, c.facts.sha256): c for c in sorted(candidates, key=lambda c: c.facts.incarnation)}
    return min(last.values(), key=lambda candidate: _PREFERENCE.index(candidate.facts.state))


def _refuse_absent(found: FoundFile, kind: Kind) -> None:
    if kind is Kind.METADATA and found.facts.listed_file.core_metadata is False:
        raise Problem(404, "Not Found", "this file has no metadata of its own")
    if kind is Kind.PROVENANCE and found.facts.listed_file.provenance is None:
        raise Problem(404, "Not Found", "upstream names no provenance for this file")


async def _observe(pages: Pages, project: ProjectName) -> None:
    """Has the project's page, as fresh as any client would get it; that one is fresh asks nothing of upstream."""
    with suppress(NotThereError):
        await pages.offer(project)
