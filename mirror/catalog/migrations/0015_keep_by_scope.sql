-- Projects that operators watch, beside those that the settings name.
create table watchlist (
    name text primary key,
    added_at timestamptz not null
);

-- The scope that was last carried into the backlog, and the project up to which that came; null when all of it was.
create table keep_scope (
    only_one boolean primary key default true check (only_one),
    scope text not null,
    patterns text[] not null,
    done_up_to integer
);

-- How much the store holds and may hold. Reading all files takes long, so this is counted now and then.
create table store_room (
    only_one boolean primary key default true check (only_one),
    used_bytes bigint not null default 0,
    -- Null for as much as there is.
    limit_bytes bigint,
    -- The least urgent priority of the backlog that is worked on.
    kept_up_to smallint not null default 32767,
    -- When there was no room on the disk, or in the bucket, the last time.
    full_at timestamptz,
    -- How many files were in the backlog when all was counted.
    waiting_files bigint not null default 0,
    counted_at timestamptz
);
insert into store_room default values;
create table file_figures (
    state text primary key,
    files bigint not null,
    stored_bytes bigint not null
);
-- What was stored since the last count: rows that nobody else waits for, instead of a sum that all would wait for.
create table stored_since (bytes bigint not null);

-- Objects that made room: no file needs them any more. `deleted_at` is set once the store has them no longer; whoever
-- stores the same bytes again takes the row away, and so learns that they may have been deleted meanwhile.
create table evicted (
    sha256 bytea primary key check (length(sha256) = 32),
    at timestamptz not null,
    deleted_at timestamptz
);
create index evicted_waiting on evicted (at) where deleted_at is null;
