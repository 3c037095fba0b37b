"""What a filled catalog holds, as the statements with which the server invents it.

`SHAPE` makes a temporary table of all projects; the others read it, or what one before them has filled. Of every table
there is more among more projects, also of what waits (of which only a little is due), so that a plan that reads all
of one shows.
"""

SHAPE = """
create temporary table shape as
select project, files, greatest(1, round(files * 0.42))::int as releases, project % 200 = 0 as closed,
    (array['py', 'django', 'flask', 'async', 'data', 'ml', 'cloud', 'tiny', 'open', 'fast', 'pytest', 'odoo'])
        [1 + project % 12]
    || '-' || (array['client', 'utils', 'core', 'tools', 'sdk', 'parser', 'server', 'models', 'plugin'])
        [1 + project / 12 % 9] || '-' || project as name
from (
    select project, case when project % 33 = 0 then 0
        else least(60000, ceil(4 * exp(1.95 * random_normal())))::int end as files
    from generate_series(1, $1) as project
) as drawn
"""

PROJECTS = """
insert into projects (id, name, display_name, known_since, incarnation, opened_serial, closed_serial, closed_at, status,
    page_serial, etag, versions, extra, observed_at, wanted_serial, refresh_at, attempts, owners, revision)
overriding system value
select project, name, name, $1::timestamptz - interval '100 days', 1, 1000000 + project,
    case when closed then 38000000 + project end, case when closed then $1::timestamptz - interval '50 days' end,
    case when project % 100 = 7 then 'archived' else 'active' end,
    38000000 + project, '"' || md5(name) || '"',
    array(select v / 100 || '.' || v / 10 % 10 || '.' || v % 10 from generate_series(1, releases) as v), '{}',
    $1::timestamptz - project % 86400 * interval '1 s',
    case when project % 1000 = 1 then 39999000 end,
    case when project % 1000 = 1 then $1::timestamptz + (project % 600 - 300) * interval '1 s' end, 0,
    array['somebody' || project % 100000], 1
from shape
"""

FILES = """
insert into files (project, incarnation, filename, sha256, path_digest, version, url_base, size, upload_time, yanked,
    requires_python, has_metadata, metadata_sha256, provenance, first_seen_at, first_seen_serial, listed, departed_at,
    departed_serial, departed_cause, departed_yanked, stranger, replaced, quarantined_by, quarantined_at, stored_at,
    metadata_stored_at, hash_source, state, cause, state_until)
select project, 1, filename, sha256(int8send(key)), sha256(int8send(-key)), version, 'https://files.example.org/',
    1000 + luck * 3::bigint, uploaded,
    case when is_yanked then case when luck % 3 = 0 then '' else 'broken build' end end,
    case when luck % 7 > 0 then '>=3.' || 6 + luck % 6 end, is_wheel,
    case when is_wheel then sha256(int8send(key + 1125899906842624)) end,
    case when luck % 12 = 0
        then 'https://example.org/integrity/' || name || '/' || version || '/' || filename || '/provenance' end,
    greatest(uploaded, $3::timestamptz - interval '100 days'), 38000000 + project, not is_gone,
    case when is_gone then $3::timestamptz - interval '50 days' end, case when is_gone then 38000000 + project end,
    case when closed then 'project' when is_gone then 'release' end, case when is_gone then is_yanked end, false, false,
    case when is_blocked then 38000000 + project end,
    case when is_blocked or is_passing then $3::timestamptz - interval '55 days' end,
    case when (is_gone and not is_held) or luck % 10 = 0 then $3::timestamptz - interval '51 days' end,
    case when is_wheel and ((is_gone and not is_held) or luck % 10 = 0) then $3::timestamptz - interval '51 days' end,
    'upstream',
    case when is_blocked then 'blocked' when is_held then 'held' when is_gone then 'kept' when is_yanked then 'yanked'
        else 'live' end,
    case when is_blocked or is_passing then 'quarantine' when is_held then 'young' end,
    case when is_passing then $3::timestamptz + (luck % 100000 - 1000) * interval '1 s' end
from (
    select drawn.*, is_gone and luck % 10 = 0 as is_held, is_gone and luck % 1000 = 0 as is_passing,
        not is_gone and luck % 1000 = 1 as is_blocked, luck between 5243 and 15729 as is_yanked,
        $3::timestamptz - (100 + luck % 2000) * interval '1 day' as uploaded, nth > 0 as is_wheel,
        replace(name, '-', '_') || '-' || version || case
            when nth = 0 then '.tar.gz'
            when nth = 1 and project % 3 > 0 then '-py3-none-any.whl'
            else '-cp3' || 7 + nth || '-cp3' || 7 + nth || '-manylinux_2_17_x86_64.manylinux2014_x86_64.whl'
            end as filename
    from (
        select shape.*, numbered.*, v / 100 || '.' || v / 10 % 10 || '.' || v % 10 as version,
            closed or luck < 5243 as is_gone
        from shape cross join lateral (
            select key, hashint8(key) & 1048575 as luck, 1 + j * releases / greatest(files, 1) as v,
                j - ceil(j * releases / greatest(files, 1) * files / releases::float8)::int as nth
            from (
                select project * 100000::bigint + j as key, j
                from generate_series(floor(files * $1::float8)::int, floor(files * $2::float8)::int - 1) as j
            ) as counted
        ) as numbered
    ) as drawn
) as chosen
"""

ROWS = """
insert into rows (serial, project, name, version, action, at, lasting)
select $2::bigint - $1::int + n, named, named,
    case when kind < 90 then version end,
    case
        when kind < 55 then 'add py3 file ' || named || '-' || version || '.tar.gz'
        when kind < 85 then 'new release'
        when kind < 88 then 'remove release'
        when kind < 90 then 'yank release'
        when kind < 94 then 'create'
        when kind < 98 then 'add Owner somebody' || n
        else 'remove project'
    end,
    date_trunc('second', $3::timestamptz - ($1::int - n) * interval '2.6 s'), kind >= 90
from (
    select n, hashint4(n) & 1023 as luck, (hashint4(n) & 1048575) % 100 as kind, n % 90 || '.' || n % 7 as version,
        coalesce(name, 'unknown-project-' || n) as named
    from generate_series(1, $1::int) as n
    left join shape on n % 4 > 0 and project = 1 + (hashint4(n + 7)::bigint & 2147483647) % $4::int
) as drawn
"""

EVENTS = """
insert into events (number, id, kind, project, version, at, chain)
select n, $2::bigint - 5 * ($1::int - n) || '-' || kind, kind,
    coalesce(name, 'unknown-project-' || n), case when kind like 'release%' then n % 90 || '.' || n % 7 end,
    $3::timestamptz - ($1::int - n) * interval '2 minutes', encode(sha256(int4send(n)), 'hex')
from (
    select n, case
        when n % 10007 = 5 then 'file.replaced'
        when n % 997 = 5 then 'project.quarantined'
        when luck < 45 then 'release.deleted'
        when luck < 70 then 'release.yanked'
        when luck < 82 then 'file.deleted'
        when luck < 92 then 'project.deleted'
        when luck < 96 then 'release.unyanked'
        else 'rescued' end as kind
    from (select n, (hashint4(n + 3) & 1048575) % 100 as luck from generate_series(1, $1::int) as n) as drawn
) as chosen
left join shape on n % 4 > 0 and project = 1 + (hashint4(n + 11)::bigint & 2147483647) % $4::int
"""

PAYLOADS = """
insert into event_payloads (number, payload)
select number, convert_to(json_build_object(
    'kind', kind, 'project', project, 'version', version, 'serial', split_part(id, '-', 1)::bigint,
    'upstream_time', at, 'observed_at', at, 'evidence', 'journal',
    'files', case when number % 4 > 0 then (
        select json_agg(json_build_object('filename', project || '-' || version || '-' || f || '.whl', 'sha256', chain,
            'size', 12345 * f, 'upload_time', at, 'state', 'kept')) from generate_series(1, 3) as f) end,
    'filename', null, 'status', null, 'was_yanked', false, 'yanked_reason', null, 'remaining_releases', 12,
    'latest_remaining', '2.1', 'was_latest', false, 'incarnation', 1, 'burst_id', null, 'local_downloads_30d', null,
    'verdicts', json_build_object(), 'advisories', json_build_array(), 'supersedes', null)::text, 'UTF8')
from events
"""

BACKLOG = """
insert into backlog (file, priority, due_at, attempts)
select id, case when id % 3 = 0 then 0 else 10 end,
    $1::timestamptz + case when id % 5 = 0 then interval '-1 hour' else interval '1 hour' end, 1
from files where id % 49 = 0
"""

PENDING = """
insert into pending_yanks (serial, project, version, change, upstream_time, observed_at, due_at)
select 39000000 + project, name, '0.0.1', 'yanked', $1, $1,
    $1::timestamptz + case when project <= 80 then interval '30 s' else interval '2 hours' end
from shape where project % 2 = 0
"""
