-- What is blocked, also of what is not known yet: a project, one of its versions (by the key that equal versions share),
-- or bytes wherever they are. Unblocking deletes the row; the act stays.
create table blocks (
    act bigint primary key references acts,
    project text,
    version_key text,
    sha256 bytea check (length(sha256) = 32),
    check (num_nonnulls(project, sha256) = 1),
    check (version_key is null or project is not null)
);
create index blocks_of_project on blocks (project) where project is not null;
create index blocks_of_bytes on blocks (sha256) where sha256 is not null;

-- Objects of the store that are to be destroyed; a row goes when its object has gone.
create table condemned (
    sha256 bytea primary key check (length(sha256) = 32),
    act bigint not null references acts
);

-- When all that follows from an act was done. Files that were being stored while it was carried out are looked for
-- afterwards, and bytes destroyed; null until then, also after a crash.
alter table acts add column settled_at timestamptz;
create index acts_unsettled on acts (id) where settled_at is null;
