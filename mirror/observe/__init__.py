"""The only writer of facts and states: what was observed of a project becomes one transaction.

Each function here takes a connection that is inside a transaction and does all of it there: it locks the projects in
the order of their names, applies what was observed (`mirror.changes`), judges every file (`mirror.states`), stores what
changed, wants the bytes of what departed, tells other processes, and at last numbers the events.

    whole_projects  pages, absences, the clock
    many_rows       rows of the journal, of any number of projects
    missing         pages that still lack files, and absences that are believed
    single_files    bytes that were stored or could not be had
    advising        advisories of malware that were read
    advised         what is seen for the first time, marked by the advisories that name it
    obeying         what operators order, carried out
    ordered         what is seen for the first time, put under the orders that stand
    recalling       what is remembered of a project, read under its lock
    judging         the rules, time and circumstances by which one transaction judges
    storing         what changed, stored
    wanting         the bytes of what departed, and of what is in the scope of what is kept, wanted
    evicting        files that make room for others, no longer kept
    adding          what events say besides the act: bursts of deletions, downloads from this mirror
    telling         notices and events: the last statements of each transaction
"""

from mirror.observe.advising import advisories
from mirror.observe.evicting import evicted
from mirror.observe.many_rows import journal_rows
from mirror.observe.missing import disappearances, unchanged
from mirror.observe.obeying import Obey, Ordered, order, overlooked
from mirror.observe.single_files import file_lost, file_stored, metadata_stored, not_stored, provenance_stored
from mirror.observe.whole_projects import absence, clock, page

__all__ = [
    "Obey",
    "Ordered",
    "absence",
    "advisories",
    "clock",
    "disappearances",
    "evicted",
    "file_lost",
    "file_stored",
    "journal_rows",
    "metadata_stored",
    "not_stored",
    "order",
    "overlooked",
    "page",
    "provenance_stored",
    "unchanged",
]
