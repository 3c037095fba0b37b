-- How often each file was served whole, by UTC day. Without a foreign key: its check would cost more than the count, and
-- no file is ever deleted.
create table downloads (
    file bigint not null,
    day date not null,
    count bigint not null,
    primary key (file, day)
-- The same rows are counted up all day long.
) with (fillfactor = 80, autovacuum_vacuum_scale_factor = 0.05);
create index downloads_by_day on downloads (day);

-- The last deletion that was told of a project, and the event with which its burst began.
create table bursts (
    project text primary key,
    first_event text not null,
    last_at timestamptz not null
);
create index bursts_by_time on bursts (last_at);

-- What only pages show of a yank waits as well, for its row: it has no serial yet, and is about single files.
alter table pending_yanks drop constraint pending_yanks_pkey;
alter table pending_yanks
    add column id bigint generated always as identity primary key,
    add column filename text,
    add column sha256 bytea check (length(sha256) = 32),
    add column shown_serial bigint,
    alter column serial drop not null,
    alter column version drop not null,
    alter column upstream_time drop not null,
    alter column due_at drop not null,
    add constraint pending_yanks_once unique (serial);
