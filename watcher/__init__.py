"""Notices and tells.

The rooms, from the roof down. A room may use those below it and none beside or above it; all may use `mirror`.

    cli/            the `everpin` command: every verb, and how failures are told
    compose         the composition root: the only place that makes connections, sessions and servers
    duties          what a watcher does, and how often
    feed/           events as CloudEvents, Atom and JSON Feed (pure), and the URLs that offer them
    explanation     pure: why files are served or not, in plain words
    poll            one look at the journal: rows, events and cursor in one transaction
    refreshes       the queue of pages that upstream must be asked for again
    keeper          the backlog: files whose bytes are wanted
    journal/        the journal over XML-RPC, and its rows read into types
    schedule        the only place that knows the scheduler
    claimer         the name under which a process claims files, which outlives it

Read `poll` first: it is the way a deletion takes. Then `duties` and `compose`.
"""
