-- Objects that were ever found to be missing from the store, or to be something else than they should.
alter table instance add column verify_failures bigint not null default 0;
