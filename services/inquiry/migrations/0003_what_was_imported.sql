-- What the companies' own systems say of vouchers follows from their events: of each voucher the one that was received first last.

-- When a version was refused last, by the later of both clocks, the broker's and the service's: what was sent again since counts again.
alter table refused_versions add column last_refused_at timestamptz not null default '1970-01-01Z';
alter table refused_versions alter column last_refused_at drop default;

create index events_of_imports on events (company, (data ->> 'voucher')) where type in ('voucher.imported', 'voucher.import-failed');

-- event: that said it. No such event was taken before, so there are no rows yet.
alter table imported add column event_source text collate "C" not null;
alter table imported add column event_id text collate "C" not null;
drop index imported_by_time;

-- import_state: no (nothing was said yet), failed or imported, by the table imported. What is not imported is found by age.
alter table vouchers add column import_state text collate "C" not null default 'no';
create index vouchers_by_import on vouchers (company, import_state, date, series, number);
