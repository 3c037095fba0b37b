"""Remembers, judges, keeps and serves.

The rooms, from the roof down. A room may use those below it and none beside or above it; `lint-imports` checks that.

    web/            what clients see: pages, files, health; errors become answers in one place
    adoption        bytes from elsewhere, taken in where they are known or vouched for
    besides         what the own store holds beside files, taken in again
    verification    the store compared with what it should hold, and mended
    confirm         what only the index shows to be gone: looked at again, believed, or held back
    refresh         one project's page, asked of upstream and observed
    supply          the bytes of a known file, from the store or by a fetch
    orders          what operators order, carried out: the act, then the bytes
    sealing         the bytes of what is blocked, moved out of everybody's reach
    offers          bytes that can be taken in: of a directory, a bucket, the own store
    meant           which files an order means
    observe/        the only writer of facts and states: what was observed becomes one transaction
    keep/           fetch, verify, put, record: the only way bytes enter the store
    catalog/        what is remembered: the only SQL, the only door to PostgreSQL
    store/          the bytes: whole, immutable, named by their sha256
    upstream/       reading the index that is mirrored
    postgres/       the embedded PostgreSQL: started, watched, shared and stopped
    changes/        pure: what we knew, and what upstream says, give what changed
    states          pure: the facts of a file give its state
    index/          pure: what is remembered gives the page that installers see
    noted_acts      operators' acts as they are noted beside the bytes
    targets         what operators order: on which files, which verb, why
    policy/         pure: would published rules have allowed a deletion? allow, refuse or unknown
    events          what is told: kinds, payloads, cursors, the chain
    advisories      advisories of malware, read, and which versions they mean
    keeping         pure: which files are kept without anybody's asking for them
    actions         the text of a journal row's action, read
    logs, metrics   how this process speaks to its operators
    figures         what is counted, declared once; made when first used, through `metrics`
    seams           where tests let the process die
    settings        all settings, put together and loaded
    setting_sections, setting_subscribers  every setting, declared and explained once: what everpin does; whom it tells
    setting_values  the kinds of values that settings have: time spans, sizes, URLs, hosts
    event_kinds     the kinds of events
    journal_rows    the journal: one type for each kind of row
    model           the nouns: pages, files, projects
    names           what projects, files and moments of the journal are known by
    meanwhile       what goes on beside something else, for as long as that lasts
    errors, clock   the errors that cross rooms; the one place that reads the time

Read `names` and `model` first, then `states`, then `changes`, then `observe`; each room's own `__init__` says where to
begin. `watcher` stands on this package, which knows nothing of it. The pure rooms take `now` as an argument and never
wait.
"""
