-- Events up to the number `forgotten` are not held any more; `forgotten_chain` is the link that the next one goes on from.
alter table event_head add column forgotten bigint not null default 0;
alter table event_head add column forgotten_chain text not null default '';
-- How often something was taken away from what had been told.
alter table event_head add column redacted bigint not null default 0;

-- Ids of forgotten events that could be told again when the same rows are read once more: the first half of the sha256
-- of each.
create table forgotten_ids (
    digest bytea primary key check (length(digest) = 16)
);

-- Events whose payload was taken away, with the sha256 of it, without which nobody could check the chain.
create table redactions (
    number bigint primary key references events,
    at timestamptz not null,
    act bigint not null references acts,
    payload_sha256 bytea not null check (length(payload_sha256) = 32)
);

-- What the database is known by, and how often everpin was started on it: one that was put back from a backup is another
-- one, or was started less often than is remembered elsewhere.
alter table instance add column fingerprint text;
alter table instance add column starts bigint not null default 0;
