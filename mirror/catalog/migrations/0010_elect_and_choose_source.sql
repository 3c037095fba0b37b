-- Who polls, among all who watch. The term goes up whenever somebody begins to lead.
create table leadership (
    only_one boolean primary key default true check (only_one),
    term bigint not null,
    holder text not null,
    since timestamptz not null
);
insert into leadership (term, holder, since) values (0, '', now());

-- What tells of news at present, and the time without a journal while it lasts. Ids of events are made of it, so it is
-- written in the transaction that tells them.
create table news_source (
    only_one boolean primary key default true check (only_one),
    source text not null check (source in ('changelog', 'rss')),
    gap_since timestamptz,
    is_set_back boolean not null default false
);
insert into news_source (source) values ('changelog');
