-- What companies owe each other is summed by month, and by day of posting; refused versions of the reference data are told apart.

-- posted_at: the voucher's.
alter table lines add column posted_at timestamptz;
update lines l set posted_at = v.posted_at from vouchers v where v.company = l.company and v.series = l.series and v.number = l.number;
alter table lines alter column posted_at set not null;
create index lines_between_by_posting on lines (posted_at) where partner is not null;
create index daily_between on daily (date) where partner <> '';

-- Some pairs of companies have many lines and most have none: without this the planner takes every page for the whole pair.
create statistics lines_of_pairs (mcv) on company, partner from lines;
alter statistics lines_of_pairs set statistics 400;

-- Sums of the lines due from and due to other companies, per month: what they owe each other is a sum over few rows, however many
-- days there are. month: its first day; last_date: the last date in it.
create table between_months (
    company text collate "C" not null,
    partner text collate "C" not null,
    currency text collate "C" not null,
    posting_type text collate "C" not null,
    month date not null,
    debit numeric not null,
    credit numeric not null,
    accounting_debit numeric not null,
    accounting_credit numeric not null,
    last_date date not null,
    lines bigint not null,
    primary key (company, partner, currency, posting_type, month)
) with (fillfactor = 70);
insert into between_months
select company, partner, currency, posting_type, date_trunc('month', date)::date, sum(debit), sum(credit), sum(accounting_debit),
    sum(accounting_credit), max(date), sum(lines)
from daily where partner <> '' and posting_type in ('due_from', 'due_to') group by 1, 2, 3, 4, 5;

-- The same per day, and per day of posting in UTC (posted_on): what was not known yet at a time is taken off by these.
create table between_days (
    company text collate "C" not null,
    partner text collate "C" not null,
    currency text collate "C" not null,
    posting_type text collate "C" not null,
    date date not null,
    posted_on date not null,
    debit numeric not null,
    credit numeric not null,
    accounting_debit numeric not null,
    accounting_credit numeric not null,
    lines bigint not null,
    primary key (company, partner, currency, posting_type, date, posted_on)
) with (fillfactor = 70);
insert into between_days
select company, partner, currency, posting_type, date, (posted_at at time zone 'UTC')::date, coalesce(sum(debit), 0),
    coalesce(sum(credit), 0), coalesce(sum(accounting_debit), 0), coalesce(sum(accounting_credit), 0), count(*)
from lines where partner is not null and posting_type in ('due_from', 'due_to') group by 1, 2, 3, 4, 5, 6;
create index between_days_by_posting on between_days (posted_on);

-- The versions that were taken: one that was refused (a company's currency that was to change, say) never was in force. digest: of the
-- event's data; empty for what was read before it was kept, which is taken for accepted until `intercompany inquiry rebuild`.
alter table reference_history add column digest bytea not null default '';
alter table reference_history alter column digest drop default;
create view reference_taken as
select h.* from reference_history h where not exists (
    select from refused_versions v where v.source = h.event_source and v.id = h.event_id and v.digest = h.digest
);
