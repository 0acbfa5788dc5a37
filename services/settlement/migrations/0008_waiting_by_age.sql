-- What has waited longest is given up first, so many at a time (WAIT_AT_MOST).
create index waiting_since on waiting (since);
