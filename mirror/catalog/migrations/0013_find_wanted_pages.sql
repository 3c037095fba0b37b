-- Pages that a row of the journal wants: they go before those that are only looked at once more, of which there can be as
-- many as there are projects.
create index projects_wanted_by_rows on projects (refresh_at) where refresh_at is not null and wanted_serial is not null;
drop index projects_to_refresh;
create index projects_to_refresh on projects (refresh_at) where refresh_at is not null and wanted_serial is null;
