-- Lock files that have a feed of their own. Whoever knows the token may read it; here only the token's digest is known.
-- Of the file nothing is kept but names, versions and digests: `pins`, packed.
create table lock_feeds (
    id bigint generated always as identity primary key,
    token_sha256 bytea not null unique check (length(token_sha256) = 32),
    pins bytea not null,
    pinned integer not null,
    created_at timestamptz not null,
    -- When it was read last, give or take an hour.
    read_at timestamptz not null
);

create index lock_feeds_read_at on lock_feeds (read_at);
