-- The digest of a file's provenance (PEP 740) that the store holds.
alter table files add column provenance_sha256 bytea;
