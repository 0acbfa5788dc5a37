-- Keys are compared byte by byte (collate "C"), as in the other services' tables: rows are written in the order of their
-- keys, and the program sorts by code points; in a language's order two batches could lock the same rows the other way round.
alter table journals
    alter column company type text collate "C",
    alter column document type text collate "C",
    alter column first_source type text collate "C",
    alter column first_id type text collate "C";
alter table numbers alter column payment type text collate "C";
alter table waiting
    alter column company type text collate "C",
    alter column payment type text collate "C",
    alter column run_source type text collate "C",
    alter column run_id type text collate "C",
    alter column wakes type text collate "C",
    alter column relation type text collate "C";
alter table approvals
    alter column source type text collate "C",
    alter column id type text collate "C",
    alter column event type text collate "C",
    alter column company type text collate "C",
    alter column payment type text collate "C";

-- The place of a waiting journal among those of its run stands beside the event that caused it, no longer in it.
update waiting set data = jsonb_set(
    jsonb_set(data::jsonb, '{0,9}', data::jsonb #> '{0,8,4}'), '{0,8}', (data::jsonb #> '{0,8}') - 4)::json;
