-- 0001 calls the messages JSON; an applied migration stays as it was, so what is right is said here.
comment on column outbox.messages is 'the messages of one batch as one MessagePack list, zstd-compressed (shared/delivery/outbox.py)';
comment on column positions.base is 'what the offsets of a log that was reset are rebased by: the broker''s next offset is next_offset - base';
