-- The advisories of malware that were read, also those that were withdrawn and those of projects that nobody asked for.
create table advisories (
    id text primary key,
    modified timestamptz not null,
    withdrawn timestamptz
);
-- What each means of each project it names: versions, and ranges of them as JSON. Nothing for one that was withdrawn.
create table advisory_affects (
    project text not null,
    advisory text not null references advisories,
    versions text[] not null,
    ranges text not null,
    primary key (project, advisory)
);
create index advisory_affects_by_advisory on advisory_affects (advisory);

-- How far they were read: of which source, the newest modification seen, when all were read last, and the tags under
-- which the source knows the two documents as they were read.
alter table advisory_reading
    alter column checked_at drop not null,
    add column source text,
    add column newest timestamptz,
    add column full_at timestamptz,
    add column full_etag text,
    add column changes_etag text;
-- There is always a row from here on: it is what readers and writers of advisories hold against each other.
insert into advisory_reading (checked_at) values (null) on conflict do nothing;

-- What waits for fresh advisories is judged again as soon as they were read.
create index files_settling on files (project) where cause = 'settling';
