-- How often upstream said that it does not have the file: only that makes it lost, not a disk that was full meanwhile.
alter table backlog add column denials smallint not null default 0;
