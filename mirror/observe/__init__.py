"""The only writer of facts and states: what was observed of a project becomes one transaction.

Each function here takes a connection that is inside a transaction and does all of it there: it locks the projects in
the order of their names, applies what was observed (`mirror.changes`), judges every file (`mirror.states`), stores what
changed, wants the bytes of what departed, tells other processes, and at last numbers the events.

    whole_projects  pages, absences, rows of the journal, the clock
    single_files    bytes that were stored or could not be had
    judging         the rules, time and circumstances by which one transaction judges
    storing         what changed, stored; the bytes of what departed, wanted
    telling         notices and events: the last statements of each transaction
"""

from mirror.observe.single_files import file_lost, file_stored, metadata_stored
from mirror.observe.whole_projects import absence, clock, journal_rows, page

__all__ = ["absence", "clock", "file_lost", "file_stored", "journal_rows", "metadata_stored", "page"]
