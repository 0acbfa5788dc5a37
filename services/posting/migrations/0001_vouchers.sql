-- The posting service's tables. Natural keys only, and no foreign keys or checks on vouchers and lines: the core
-- has checked every voucher before it is written, and each of them costs on the hot path (architecture.md). Keys are
-- compared byte by byte (collate "C"): faster than by the rules of a language, and the order the program itself sorts in.

-- Each company's vouchers. number counts in the series; the voucher number is series-number.
create table vouchers (
    company text collate "C" not null,
    series text collate "C" not null,
    number bigint not null,
    ledger text not null,
    kind text not null,
    date date not null,
    document text collate "C" not null,
    run_source text collate "C",
    run_id text collate "C",
    record integer,
    primary key (company, series, number)
);

-- A reversal finds the vouchers that it mirrors: those of a settlement record, and that of a payment.
create index vouchers_of_a_run on vouchers (run_id, run_source) where kind = 'settlement';
create index vouchers_of_a_payment on vouchers (document, company) where kind = 'payment';

-- debit and credit are in currency, accounting_debit and accounting_credit in the company's accounting currency; null on
-- the side the line is not on. dimensions: null where there are none.
create table lines (
    company text collate "C" not null,
    series text collate "C" not null,
    number bigint not null,
    line integer not null,
    posting_type text collate "C" not null,
    account text collate "C" not null,
    partner text collate "C",
    currency text collate "C" not null,
    debit numeric,
    credit numeric,
    accounting_debit numeric,
    accounting_credit numeric,
    dimensions json,
    text text not null,
    rule text not null,
    primary key (company, series, number, line)
);

-- The last number given in each series.
create table numbers (
    company text collate "C" not null,
    series text collate "C" not null,
    number bigint not null,
    primary key (company, series)
) with (fillfactor = 50);

-- Running sums of the lines. partner: '' where there is none.
create table balances (
    company text collate "C" not null,
    account text collate "C" not null,
    posting_type text collate "C" not null,
    partner text collate "C" not null,
    currency text collate "C" not null,
    debit numeric not null,
    credit numeric not null,
    accounting_debit numeric not null,
    accounting_credit numeric not null,
    primary key (company, account, posting_type, partner, currency)
) with (fillfactor = 50);

-- The reference events in force: the latest of each key, position their order.
create table reference (
    key text primary key,
    position bigint not null unique,
    type text not null,
    data json not null
);
