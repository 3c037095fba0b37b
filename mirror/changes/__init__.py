"""What changed: what we knew, and what upstream says now, give what we know from here on and what is to be told.

Pure. `rows` applies rows of the journal, `page` applies a project page, `clock` what only the time decides; each takes
a `Memory` and returns a `Step`. `removals`, `yanks` and `quarantines` are what rows do; `listings` takes in the files
that a page lists, `seen_yanks` the yanks that only pages show, `advisories` what is called malware, `past` reads what
rows say of the time before it. `incarnations`, `owners` and `newcomers` deal with names that live more than once;
`orders` is what operators want. Read `step` first. States are not judged here but in `mirror.states`.

How rows and pages get along: serials order everything. A page is true up to its serial; rows of a later serial are
applied again on top of it. A row does not touch a file that a page of the same or a later serial lists.
"""

from mirror.changes.clock import by_clock
from mirror.changes.owners import changes_owners
from mirror.changes.page import by_absence, by_page, first_sight
from mirror.changes.rows import by_rows
from mirror.changes.step import Step, Telling

__all__ = ["Step", "Telling", "by_absence", "by_clock", "by_page", "by_rows", "changes_owners", "first_sight"]
