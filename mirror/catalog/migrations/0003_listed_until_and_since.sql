-- Of a file that is missing from the newest page, the serial of the last page that listed it: rows up to there are older
-- news than that page. Not known of those that were missing before; their first page counts then. And of a file that
-- came back, the serial of the page that brought it: older rows were about the time before.
alter table files
    add column listed_until bigint,
    add column listed_since bigint;
