-- Where events are pushed to. Those of the settings are known here by a key alone: their URLs and secrets stay in the
-- settings. Those that belong to a lock file's feed came over HTTP and have theirs here.
create table webhook_targets (
    id bigint generated always as identity primary key,
    key text not null unique,
    name text not null,
    lock_feed bigint,
    url text,
    secret text,
    -- The newest event that is done with: delivered, given up, or not for this target.
    number bigint not null,
    -- How often the event after that has failed, and before when it is not tried again.
    attempts integer not null default 0,
    next_at timestamptz,
    -- Nothing was accepted since then, whatever became of single events.
    failing_since timestamptz,
    disabled_at timestamptz,
    disabled_reason text,
    enabled_at timestamptz,
    last_status integer,
    last_error text,
    last_success_at timestamptz,
    -- When it last stood in the settings of somebody who delivers.
    seen_at timestamptz not null default now(),
    check ((lock_feed is null) = (url is null)),
    check ((lock_feed is null) = (secret is null))
);

create index webhook_targets_of_lock on webhook_targets (lock_feed) where lock_feed is not null;

-- Events that were given up. One that an operator wants to be sent again has a time from which on it is.
create table dead_letters (
    target bigint not null references webhook_targets on delete cascade,
    number bigint not null,
    at timestamptz not null,
    attempts integer not null,
    error text not null,
    replay_at timestamptz,
    replays integer not null default 0,
    primary key (target, number)
);

create index dead_letters_to_replay on dead_letters (target, replay_at) where replay_at is not null;
create index dead_letters_at on dead_letters (at);
