"""What changed: what we knew, and what upstream says now, give what we know from here on and what is to be told.

Pure. Whatever is applied takes a `Memory` and gives a `Step`; read `step` first, then `page` and `rows`. States are not
judged here but in `mirror.states`.

    page            a project page, applied: files that are new, back, or missing
    rows            rows of the journal, applied one by one
    clock           what only the time decides: yanks that have waited long enough
    orders          what operators want of files
    advisories      which files advisories call malware
    disappearances  what pages lack and no row explains, believed and taken back
    listings        the files that a page lists: known, back, strangers
    seen_yanks      yanks that only a page shows, until a row says the same
    past            what remembered rows say of the time before a page
    removals        rows that remove a file, a release, a project
    late_rows       removals of a life of the name that pages had ended before
    yanks           rows that yank and unyank
    quarantines     rows that quarantine and clear
    incarnations    where a life of a name ends and the next begins
    newcomers       since when a later life has files
    owners          who owns a name, and who owned it in the life before
    deletions       a removal as policies look at it
    step            what all of these return, and what they ask of a memory
    shelf           finds a few of many files without looking at all

How rows and pages get along: serials order everything. A page is true up to its serial; rows of a later serial are
applied again on top of it. A row does not touch a file that a page of the same or a later serial lists.
"""

from mirror.changes.clock import by_clock
from mirror.changes.owners import changes_owners
from mirror.changes.page import by_absence, by_page, first_sight
from mirror.changes.rows import by_rows
from mirror.changes.step import Step, Telling

__all__ = ["Step", "Telling", "by_absence", "by_clock", "by_page", "by_rows", "changes_owners", "first_sight"]
