-- Approvals that wait for one thing are read in order of arrival, so many at a time.
drop index approvals_by_what_wakes;
create index approvals_by_what_wakes on approvals (wakes, sequence);
