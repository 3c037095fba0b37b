-- When the page was looked at last without being asked to, whatever came of it. `observed_at` is younger where upstream
-- answered since.
alter table projects add column looked_at timestamptz;
create index projects_longest_unseen on projects (greatest(observed_at, looked_at, known_since));

-- When the list of all projects is due to be compared with what is known, and when all its names were last wanted.
create table sweeping (
    only_one boolean primary key default true check (only_one),
    due_at timestamptz not null,
    filled_at timestamptz
);

-- Projects that nobody asked for and whose page is wanted all the same: 0 since a row of the journal named them, 1 since
-- the list of all projects did.
create table wanted_projects (
    name text primary key,
    priority smallint not null,
    due_at timestamptz not null,
    attempts smallint not null default 0,
    -- How often upstream said that there is no such project.
    denials smallint not null default 0
);
create index wanted_projects_next on wanted_projects (priority, due_at);
