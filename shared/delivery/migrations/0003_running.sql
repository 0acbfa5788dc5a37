-- The instances that run, by GROUP_INSTANCE_ID. One that is there at its start has crashed: its successor takes small parts
-- at first, since the crash may have come of the weight of a batch.
create table running (
    instance   text collate "C" primary key,
    started_at timestamptz not null default clock_timestamp()
);
