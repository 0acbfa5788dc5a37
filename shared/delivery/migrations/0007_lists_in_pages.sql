-- Refusals are listed from the newest on, a page at a time.
create index rejections_by_time on rejections (rejected_at, id);

-- Who acknowledged a gap, and when; in_log: the service has said so in its log.
alter table gaps
    add column acknowledged_at timestamptz,
    add column acknowledged_by text,
    add column in_log boolean not null default false;
update gaps set in_log = true where acknowledged;
