-- Absences that were believed though no row says why: those of the last day count for the brake as well.
create index files_disappeared on files (missing_since) where missing_since is not null and disappeared_at is not null;
