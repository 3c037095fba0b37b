"""Notices and tells.

The rooms, from the roof down. A room may use those below it and none beside or above it; all may use `mirror`.

    cli/            the `everpin` command: every verb, and how failures are told
    worker          one of several processes that answer clients, from its first breath to its last
    front           where clients come in: a port, and behind it this process or several
    compose         the composition root: the only place that makes connections and sessions
    workers         processes that answer clients: started, watched over, stopped
    serving         sockets, and the server behind them
    urls            the URLs that are added to a mirror's own
    loop            the event loop that every process runs on
    duties          what a watcher does, and how often: what all do, and what only the leader does
    api/            projects, lock files and operators' orders over HTTP, and what describes all of it
    webhooks/       events pushed to those who asked for it, in order and at least once
    feed/           events by cursor, as feed documents and as a stream
    rules           how is judged, as the settings have it; what is judged again when they changed
    ordering        what operators are told of their orders, by command or over HTTP
    explanation     pure: why files are served or not, in plain words
    poller          asks again and again for news, and takes another source while the journal cannot be read
    checking/       what has become of what is pinned
    poll            one look at the journal: rows, events and cursor in one transaction
    newcomers       one look at the feed of new releases: whose pages are wanted
    refreshes       the queue of pages that upstream must be asked for again
    rounds          the page of each known project, looked at now and then without being told to
    sweep           the list of all projects, compared with what is known
    unasked         projects that nobody asked for, whose pages are wanted all the same
    advisories/     advisories of malware, read from a source of OSV's records
    keeper          the backlog: files whose bytes are wanted
    keeping_now     what an operator names, kept now
    scope           what came into the scope of what is kept, put into the backlog; watched projects
    room            the store kept within its quota: counted, and made room in
    whole_files     one file kept whole, with what stands beside it
    quota           pure: what a quota allows
    bandwidth       how much is fetched each second while no client waits
    locks/          lock and requirements files, read into pins
    looking         asking for pages that no client waits for, a few at a time
    journal/        the journal over XML-RPC, and its rows read into types; the feed of new releases
    gaps            times without a journal, told when they begin and when they are over
    patience        how long to leave somebody alone who failed
    schedule        the only place that knows the scheduler
    claimer         the name under which a process claims files, which outlives it

Read `poll` first: it is the way a deletion takes. Then `duties` and `compose`.
"""
