-- A reversal that waits is looked at again when another one has changed one of its documents.
alter table waiting add column concerns text[] collate "C" not null default '{}';
create index waiting_concerns on waiting using gin (concerns) where cardinality(concerns) > 0;
