-- Who has a name, and what there is to say of each life of it that began after another had ended, as JSON: there are few
-- such names, and their lives are only ever read together with the project.
alter table projects
    add column owners text[] not null default '{}',
    add column registered_at timestamptz,
    add column former_owners text[] not null default '{}',
    add column lives text not null default '[]';
update projects
    set lives = json_build_array(json_build_object('number', incarnation, 'freed_at', now(), 'earlier_known', true))::text
    where incarnation > 1;

-- The life of the name in which the file was a newcomer; null for those of its first life.
alter table files add column newcomer_in integer;
