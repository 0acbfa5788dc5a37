-- The settlement service's tables. What the rules look up stands in columns, the value itself in `body` (JSON), so that a
-- batch is read and written with a constant number of statements. Keys compare byte by byte, as the program sorts.

-- Posted documents and what of them is open. automatic: open and not left out of automatic settlement.
create table documents (
    ledger text collate "C" not null,
    company text collate "C" not null,
    document text collate "C" not null,
    party text collate "C" not null,
    currency text collate "C" not null,
    automatic boolean not null,
    event_source text collate "C" not null,
    event_id text collate "C" not null,
    body json not null,
    primary key (ledger, company, document)
) with (fillfactor = 70);

create index documents_open on documents (party, ledger, company, currency) where automatic;
create index documents_of_an_event on documents (event_id, event_source);

-- Settlement records, those in force and the reversed ones.
create table records (
    run_source text collate "C" not null,
    run_id text collate "C" not null,
    ledger text collate "C" not null,
    number integer not null,
    lowering_company text collate "C" not null,
    lowering_document text collate "C" not null,
    raising_company text collate "C" not null,
    raising_document text collate "C" not null,
    body json not null,
    primary key (run_id, run_source, ledger, number)
);

create index records_of_lowering on records (lowering_document, lowering_company, ledger);
create index records_of_raising on records (raising_document, raising_company, ledger);

-- What waits. wakes: what lets it go on; reserves: the documents of a run; both as joined texts.
create table waiting (
    sequence bigint primary key,
    wakes text collate "C" not null,
    reserves text[] collate "C" not null,
    event_source text collate "C" not null,
    event_id text collate "C" not null,
    since timestamptz not null,
    body json not null
);

create index waiting_for on waiting (wakes);
create index waiting_reserves on waiting using gin (reserves);
create index waiting_of_an_event on waiting (event_id, event_source);

-- Sales payment journals as settlement knows them; reserves: only while they are created.
create table journals (
    company text collate "C" not null,
    document text collate "C" not null,
    run_source text collate "C" not null,
    run_id text collate "C" not null,
    reserves text[] collate "C" not null,
    body json not null,
    primary key (company, document)
);

create index journals_of_a_run on journals (run_id, run_source);
create index journals_reserve on journals using gin (reserves);

-- Runs whose sales payment journals are not answered yet. heard is a fraction.
create table answers (
    run_source text collate "C" not null,
    run_id text collate "C" not null,
    body json not null,
    primary key (run_id, run_source)
);

-- Requests that were carried out.
create table requests (
    event_source text collate "C" not null,
    event_id text collate "C" not null,
    body json not null,
    primary key (event_id, event_source)
);

-- The last place given in the order of arrival.
create table counter (name text primary key, last bigint not null);

-- Reference events, the last of each key; numbered in the order they were taken.
create table reference (
    key text collate "C" primary key,
    position bigint not null,
    type text not null,
    data json not null
);

create index reference_after on reference (position);
