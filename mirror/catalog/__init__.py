"""What everpin remembers: the only SQL and the only door to PostgreSQL.

But for `database`, `leadership` and `locks`, each module holds the statements about one subject, as literals next to
the call. Functions take a connection, so that the caller decides what is one transaction. Start with
`migrations/0001_create.sql`.

    database        connections, transactions and migrations
    locks           the numbers of the advisory locks
    leadership      which of several watchers leads, and its transactions, which end with that
    notices         what processes tell each other through PostgreSQL
    instance        what this catalog belongs to: the index, the epoch, the rules it was judged by
    epochs          notices that it was put back from a backup
    projects        the facts about projects, and the queue of their pages
    files           the facts about files and their states
    marks           what rows leave on files, a thousand at a time
    page_queue      the queue of pages as rows see it, many projects at a time
    absences        files that only the index shows to be missing, and the brake
    pending         yanks that wait to be told
    rows, journal   what is remembered of the journal, and how far it was read
    news            what tells of news at present, and since when it is not the journal
    looks           whose page was not looked at for longest; when to sweep
    wanted          projects that nobody asked for, whose pages are wanted
    advisories      advisories of malware by project, and how far they were read
    circumstances   how far upstream is known: what judgements depend on
    acts            what operators ordered, and the blocks that stand
    tombstones      bytes that operators destroyed
    backlog         files whose bytes are wanted
    events          what was told, numbered and chained
    retention       forgets the oldest of it, and remembers what that takes
    redactions      what was told and then taken away
    event_ranges    the same from the newest to the oldest, for documents
    webhooks        where events are pushed to, and how far each target is
    dead_letters    events that were given up for a target
    lock_feeds      lock files that have a feed of their own
    bursts          the last deletion of each project
    downloads       how often files were fetched from here
"""
