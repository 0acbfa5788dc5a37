-- What has waited longest is given up first, so many at a time (WAIT_AT_MOST).
create index waiting_by_age on waiting (since);
create index approvals_by_age on approvals (since);
