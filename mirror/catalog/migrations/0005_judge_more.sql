-- Since when the project existed with or after which the file was removed, and when that went; and when the file's absence
-- was believed without a row.
alter table files
    add column departed_project_since timestamptz,
    add column departed_project_gone_at timestamptz,
    add column disappeared_at timestamptz;
-- Advisories of malware that name the file; null for none, as nearly all have none.
alter table files add column advisories text[];
-- The act by which an operator released exactly these bytes, and whether the file is listed as it was before.
alter table files
    add column vouched_by bigint,
    add column as_was boolean not null default false;

-- From which serial on the journal was read: it covers nothing before. Of those who began earlier it is not known; their
-- cursor is a safe answer.
alter table journal add column begun_serial bigint;
update journal set begun_serial = serial;
alter table journal alter column begun_serial set not null;

-- When the advisories were read last. No row: never.
create table advisory_reading (
    only_one boolean primary key default true check (only_one),
    checked_at timestamptz not null
);

-- An event need not be about one project.
alter table events alter column project drop not null;
