-- What was sent is kept for a while, and no more bytes of it than a bound (housekeeping.py). total: the bytes of all messages written until
-- here, so how much is kept after a row is what the newest row says less what this one says, and nothing has to be added up. Who writes
-- holds the service's lock, so totals grow with ids. What was there before counts as nothing; it goes by its age.
alter table outgoing add column total bigint not null default 0;
comment on column outgoing.total is 'bytes of messages (packed) in all rows up to this one, since the table was last empty';
