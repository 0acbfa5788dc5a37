-- What waits for one thing is read in order of arrival, so many rows at a time.
drop index waiting_for;
create index waiting_for on waiting (wakes, sequence);
