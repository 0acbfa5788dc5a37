-- What waits for one thing is read in order of arrival, so many rows at a time.
drop index waiting_by_what_wakes;
create index waiting_by_what_wakes on waiting (wakes, sequence);
drop index waiting_by_relation;
create index waiting_by_relation on waiting (relation, sequence);
