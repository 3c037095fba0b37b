"""One file kept whole: its bytes, and what stands beside it."""

import structlog

from mirror.catalog.files import FoundFile
from mirror.errors import NotThereError, RefusedError, WrongBytesError
from mirror.index.siblings import lacking_siblings
from mirror.keep.pace import Pace
from mirror.supply import Supply

log = structlog.get_logger()


async def keep_whole(supply: Supply, found: FoundFile, *, pace: Pace | None = None) -> None:
    """Fetches whatever of the file the store has not.

    A file whose metadata or provenance cannot be had is kept all the same, without them; a failure that may pass is
    raised for those, too.
    """
    if found.facts.stored_at is None:
        await supply.fetch(found, pace=pace).finished()
    for kind in lacking_siblings(found.facts):
        try:
            await supply.fetch(found, kind, pace=pace).finished()
        except (NotThereError, RefusedError, WrongBytesError) as e:
            fields = {"project": found.project, "filename": found.facts.filename, "error": str(e)}
            log.warning("keeper.no_sibling", sibling=kind.value, **fields)
