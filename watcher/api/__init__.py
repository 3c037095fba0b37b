"""What `/api/v1` answers besides the events: projects, lock files, operators' orders, and what describes all of it.

    openapi         the description, made of `described` and `described_orders` in the words of `describing`
    projects        what is remembered of a project; `project_document` renders it
    check           how the pins of a lock file stand; `looking` asks for pages that this takes
    lock_feeds      a lock file's private feed: made, told, removed; `lock_webhooks` has it pushed
    private_feeds   the feed itself
    admin           operators' orders; `tokens` says who may give them
    bodies          what clients send, and `lock_bodies` of that the lock files

`watcher.urls` adds all of it to a mirror.
"""
