-- What one instance remembers of one index.

create table instance (
    only_one boolean primary key default true check (only_one),
    uuid uuid not null,
    -- Part of every cursor: a database restored from a backup gets another one, so that old cursors are refused.
    epoch integer not null default 1,
    index_url text not null,
    -- Origins that files may be fetched from; null until the first page was observed.
    file_hosts text[],
    -- The safety settings that the stored states were derived with; others make the withdrawn files be judged again.
    rules text,
    created_at timestamptz not null
);

-- How far the journal was read. No row: nobody watches yet.
create table journal (
    only_one boolean primary key default true check (only_one),
    serial bigint not null,
    observed_since timestamptz not null,
    checked_at timestamptz not null
);

-- The journal's rows of all projects, also of those never asked for: they explain what is first seen later.
create table rows (
    serial bigint primary key,
    project text not null,
    name text not null,
    version text,
    action text not null,
    at timestamptz not null,
    -- Creations, removals of projects, quarantines and owners are kept for ever, the rest for 30 days.
    lasting boolean not null
);
create index rows_of_project on rows (project, serial);
create index rows_passing on rows (at) where not lasting;

create table projects (
    id integer generated always as identity primary key,
    name text not null unique,
    display_name text not null,
    known_since timestamptz not null,
    incarnation integer not null,
    opened_serial bigint,
    closed_serial bigint,
    closed_at timestamptz,
    status text not null,
    quarantined_by bigint,
    quarantined_at timestamptz,
    page_serial bigint,
    etag text,
    versions text[] not null,
    extra text not null,
    observed_at timestamptz,
    -- The queue of page refreshes: a page of at least this serial is wanted, next asked for at this time.
    wanted_serial bigint,
    refresh_at timestamptz,
    attempts smallint not null default 0,
    -- Goes up with whatever changes the page that is served.
    revision bigint not null
-- The queue's rows change all the time: what they were is cleared away daily, not once a fifth of the table is dead.
) with (autovacuum_vacuum_scale_factor = 0.02);
create index projects_to_refresh on projects (refresh_at) where refresh_at is not null;
-- How many there are: counting them would read the whole table.
create table project_count (
    only_one boolean primary key default true check (only_one),
    known integer not null
);

-- Facts about every file ever seen, and the state derived from them.
create table files (
    id bigint generated always as identity primary key,
    project integer not null references projects,
    incarnation integer not null,
    filename text not null,
    sha256 bytea check (length(sha256) = 32),
    -- The 32 bytes that the segments of the file's path spell: how a file is found without its page.
    path_digest bytea check (length(path_digest) = 32),
    version text,
    -- Where the URL ends in the path that is spelt by path_digest and filename, as PyPI's do, only what comes before it
    -- is stored: the path would be a third of the row.
    url text,
    url_base text,
    size bigint,
    upload_time timestamptz,
    yanked text,
    requires_python text,
    has_metadata boolean not null,
    metadata_sha256 bytea check (length(metadata_sha256) = 32),
    provenance text,
    extra text,
    first_seen_at timestamptz not null,
    first_seen_serial bigint,
    listed boolean not null,
    missing_since timestamptz,
    missing_seen timestamptz,
    departed_at timestamptz,
    departed_serial bigint,
    departed_cause text,
    departed_yanked boolean,
    stranger boolean not null,
    replaced boolean not null,
    quarantined_by bigint,
    quarantined_at timestamptz,
    blocked_by bigint,
    released_by bigint,
    purged_at timestamptz,
    stored_at timestamptz,
    metadata_stored_at timestamptz,
    lost_at timestamptz,
    hash_source text not null,
    state text not null,
    cause text,
    -- When the clock alone changes the state.
    state_until timestamptz,
    check (num_nonnulls(url, url_base) = 1),
    check (url_base is null or path_digest is not null)
-- Room for one more row on each page: noting that a file is kept then touches no index.
) with (fillfactor = 95);
-- What identifies a file is its project, incarnation, filename and sha256. The latter two as one hash make an index of a
-- third of the size. It finds the files of a project, too.
create unique index files_once on files (
    project, incarnation, hashtextextended(filename || '/' || coalesce(encode(sha256, 'hex'), ''), 0)
);
-- Only ever asked for a single digest: a hash index is enough and half as large. There is none on sha256, by which nothing
-- is looked up: digests are as random as can be, and each index on them costs a random write for every file that changes.
create index files_by_path on files using hash (path_digest);
create index files_withdrawn on files (project) where state not in ('live', 'yanked');
create index files_passing on files (state_until) where state_until is not null;

-- Rows about yanks that wait for the page's reason or for the removal that explains them.
create table pending_yanks (
    serial bigint primary key,
    project text not null,
    version text not null,
    change text not null,
    upstream_time timestamptz not null,
    observed_at timestamptz not null,
    due_at timestamptz not null,
    told_before text
);
create index pending_yanks_due on pending_yanks (due_at);
create index pending_yanks_of_project on pending_yanks (project);

-- Files whose bytes are wanted. A claim is a lease: no transaction stays open while a file is fetched.
create table backlog (
    file bigint primary key references files,
    priority smallint not null,
    due_at timestamptz not null,
    attempts smallint not null default 0,
    claimed_by uuid,
    claimed_until timestamptz,
    last_error text
);
create index backlog_next on backlog (priority, due_at);
create index backlog_claimed on backlog (claimed_by) where claimed_by is not null;

-- The events, numbered without gaps in the order of commit. Payloads lie apart so that one can be taken away.
create table event_head (
    only_one boolean primary key default true check (only_one),
    number bigint not null,
    chain text not null
);
create table events (
    number bigint primary key,
    id text not null unique,
    kind text not null,
    project text not null,
    version text,
    at timestamptz not null,
    chain text not null
);
create index events_of_project on events (project, number);
create index events_of_kind on events (kind, number);
create table event_payloads (
    number bigint primary key references events,
    payload bytea not null
);
-- How many events of each kind were told: counting them would take longer with every event.
create table event_counts (
    kind text primary key,
    told bigint not null
);

-- What operators did, and which bytes may never enter the store again.
create table acts (
    id bigint generated always as identity primary key,
    at timestamptz not null,
    actor text not null,
    verb text not null,
    target text not null,
    reason text not null
);
create table tombstones (
    sha256 bytea primary key check (length(sha256) = 32),
    act bigint not null references acts,
    at timestamptz not null
);

insert into event_head (number, chain) values (0, '');
insert into project_count (known) values (0);
