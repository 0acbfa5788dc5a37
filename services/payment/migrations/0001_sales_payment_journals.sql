-- The payment service's tables. Natural keys only. What is sought is a column, the rest of a value is in data.

-- Sales payment journals that were made, by the seller's company and their number there.
create table journals (
    company text not null,
    document text not null,
    status text not null,
    first_source text not null,
    first_id text not null,
    data json not null,
    primary key (company, document)
) with (fillfactor = 90);

-- The last n given of each vendor payment, by paying company and document as a journal's number has them.
create table numbers (
    payment text primary key,
    number integer not null
);

-- Sales payment journals that wait, by vendor payment and n. wakes and relation: what lets one go on, as JSON lists.
create table waiting (
    company text not null,
    payment text not null,
    number integer not null,
    sequence bigint not null,
    run_source text not null,
    run_id text not null,
    since timestamptz not null,
    wakes text not null,
    relation text not null,
    data json not null,
    primary key (company, payment, number)
);
create index waiting_by_run on waiting (run_id, run_source);
create index waiting_by_what_wakes on waiting (wakes);
create index waiting_by_relation on waiting (relation);
create index waiting_by_sequence on waiting (sequence);

-- Approvals that wait for their journal, by the id they have taken. payment: as in numbers, read from the journal's number.
create table approvals (
    source text not null,
    id text not null,
    event text not null,
    sequence bigint not null,
    since timestamptz not null,
    company text not null,
    payment text not null,
    data json not null,
    primary key (source, id)
);
create index approvals_by_payment on approvals (payment, company);
create index approvals_by_sequence on approvals (sequence);

-- The reference events in force: the latest of each key, position their order.
create table reference (
    key text primary key,
    position bigint not null unique,
    type text not null,
    data json not null
);
