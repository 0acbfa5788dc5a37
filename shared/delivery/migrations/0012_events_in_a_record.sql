-- A record of the topics between the services may hold several events, each of which may be put aside by itself: place is its number
-- in the record, 0 of a record that is one event, or that is put aside as a whole.
alter table failed add column place int not null default 0;
alter table failed drop constraint failed_topic_partition_offset_key;
alter table failed add unique (topic, partition, "offset", place);
