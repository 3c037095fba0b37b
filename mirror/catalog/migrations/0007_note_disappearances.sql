-- Of a file that is missing, when upstream last confirmed a page that listed it: what the journal covers since then can
-- say why. And the event that told of its disappearance, which a row that explains it later supersedes.
alter table files
    add column listed_at timestamptz,
    add column disappeared_in text;
-- Since when upstream says that there is no such project, though no row says that it was removed.
alter table projects add column absent_since timestamptz;
-- Absences that only the index shows and that were not believed yet.
create index files_missing on files (project, missing_since) where missing_since is not null and disappeared_at is null;

-- Whether so much is missing that none of it is believed, so that it is said once whoever finds it out.
create table brake (
    only_one boolean primary key default true check (only_one),
    engaged_at timestamptz
);
insert into brake (engaged_at) values (null);
