-- What was sent is kept for a while (housekeeping.py), so that it can be sent again, byte by byte and under the same ids, when topics
-- are lost. sent_at: when the broker acknowledged all of it; null: not yet. The outbox is what is still to be sent, as it always was.
alter table outbox rename to outgoing;
alter table outgoing add column sent_at timestamptz;
create index outgoing_unsent on outgoing (id) where sent_at is null;
create view outbox as select id, created_at, messages from outgoing where sent_at is null;
