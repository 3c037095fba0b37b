-- Acts are noted beside the bytes, too, under `name`; `noted_at` is null until that was done. `digests` are the bytes
-- that a release, a purge or its end was about, so that the act means the same to a catalog that has forgotten them.
alter table acts add column name text;
alter table acts add column as_was boolean not null default false;
alter table acts add column digests bytea[];
alter table acts add column noted_at timestamptz;
update acts set name = to_char(at at time zone 'utc', 'YYYYMMDD"T"HH24MISSUS"Z"') || '-' || lpad(id::text, 12, '0');
update acts set digests = array(select sha256 from tombstones where act = acts.id) where verb = 'purge';
alter table acts alter column name set not null;
create unique index acts_by_name on acts (name);
create index acts_not_noted on acts (id) where noted_at is null;

-- Objects that were moved to where only this mirror reaches them, since what they hold is blocked.
-- `lent`: it may be visible as well, as while it is moved, or since somebody could not wait until it is moved back.
create table sealed (
    sha256 bytea primary key check (length(sha256) = 32),
    lent boolean not null default false
);
create index files_blocked on files (id) where state = 'blocked';
