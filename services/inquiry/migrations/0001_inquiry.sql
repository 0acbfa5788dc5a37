-- The inquiry service's tables: what the topics say, with the indexes that questions need. Natural keys only, compared byte by
-- byte (collate "C"); no foreign keys, since the topics have no common order: whatever is said of something may come before the
-- thing itself. So that the rows do not depend on the order, what can come too early is kept in a table of its own and joined to
-- what it is said of, whichever comes last: document_reversals, record_reversals, journal_refusals, refused_versions.
-- *_at are times of the broker (when it took the message), but refusals.at, which the refusing service says.

-- Every inbound event, once for each data it was sent with. Ask for `where is_current`: the version that counts is the one sent
-- last of those that were not refused; of refused ones rather not one whose id other data had taken. digest: of the data, to tell versions apart. topic to
-- received_at: where and when it was first received; last_received_at and last_offset: the same data sent last, for the choice.
-- company, account, document, currency, amount: what the event says of itself; null where it does not.
create table events (
    source text collate "C" not null,
    id text collate "C" not null,
    digest bytea not null,
    is_current boolean not null,
    type text collate "C" not null,
    time timestamptz not null,
    topic text collate "C" not null,
    partition integer not null,
    "offset" bigint not null,
    received_at timestamptz not null,
    last_received_at timestamptz not null,
    last_offset bigint not null,
    company text collate "C",
    account text collate "C",
    document text collate "C",
    currency text collate "C",
    amount numeric,
    data json not null,
    primary key (source, id, digest)
);
create index events_by_receipt on events (received_at, source, id) where is_current;
create index events_by_document on events (document) where is_current and document is not null;
create index events_by_id on events (id) where is_current;

-- Versions of events that were refused as a whole. is_conflicting: because another event had taken the id with other data.
create table refused_versions (
    source text collate "C" not null,
    id text collate "C" not null,
    digest bytea not null,
    is_conflicting boolean not null,
    primary key (source, id, digest)
);

-- Every posted document. sign: +1 where it debits the party's account, else -1: sign * open is the balance, debit positive.
-- event: the event that caused it (of a sales payment its journal's), first: the event from outside that began the chain.
-- due_date, cash_discounts, credits, ic_*: from the causing event, null until that is read; a payment is due on its date.
-- open and open_accounting: amount and accounting_amount less the takes in force, whatever their date; 0 less them once it is reversed.
-- reversed_on: the accounting date of its reversal; reversed_at: when that was posted.
create table documents (
    ledger text collate "C" not null,
    company text collate "C" not null,
    document text collate "C" not null,
    kind text collate "C" not null,
    sign smallint not null,
    party text collate "C" not null,
    account text collate "C" not null,
    date date not null,
    due_date date,
    currency text collate "C" not null,
    amount numeric not null,
    accounting_currency text collate "C" not null,
    exchange_rate numeric not null,
    accounting_amount numeric not null,
    summary_account text collate "C" not null,
    reference text,
    text text,
    event_source text collate "C" not null,
    event_id text collate "C" not null,
    first_source text collate "C" not null,
    first_id text collate "C" not null,
    cash_discounts json,
    credits text collate "C",
    ic_company text collate "C",
    ic_document text collate "C",
    posted_at timestamptz not null,
    reversed_on date,
    reversed_at timestamptz,
    open numeric not null,
    open_accounting numeric not null,
    primary key (ledger, company, document)
) with (fillfactor = 80);
create index documents_open_by_due_date on documents (company, ledger, due_date) where open <> 0;
create index documents_by_party on documents (party, ledger, company, document);
create index documents_by_number on documents (document);
create index documents_by_event on documents (event_id, event_source);
create index documents_by_date on documents (company, date, ledger, document);
create index documents_by_due_date on documents (company, coalesce(due_date, date), ledger, document);
create index documents_by_reversal on documents (reversed_on) where reversed_on is not null;
create index documents_by_reversal_posted on documents (reversed_at) where reversed_at is not null;

-- Reversals of documents, which may be read before the documents. reason: as the request says it, '' without one.
create table document_reversals (
    ledger text collate "C" not null,
    company text collate "C" not null,
    document text collate "C" not null,
    date date not null,
    reason text not null,
    event_source text collate "C" not null,
    event_id text collate "C" not null,
    posted_at timestamptz not null,
    primary key (ledger, company, document)
);

-- What a settlement record takes from its two documents, side L (lowering) and R (raising): amount in the document's currency,
-- value in its company's accounting currency; negative where a primary was enlarged.
create table takes (
    run_source text collate "C" not null,
    run_id text collate "C" not null,
    ledger text collate "C" not null,
    number integer not null,
    side text collate "C" not null,
    company text collate "C" not null,
    document text collate "C" not null,
    date date not null,
    amount numeric not null,
    value numeric not null,
    posted_at timestamptz not null,
    reversed_on date,
    reversed_at timestamptz,
    primary key (run_id, run_source, ledger, number, side)
);
create index takes_by_document on takes (ledger, company, document);
create index takes_by_date on takes (date);
create index takes_by_reversal on takes (reversed_on) where reversed_on is not null;
create index takes_by_posting on takes (posted_at);
create index takes_by_reversal_posted on takes (reversed_at) where reversed_at is not null;

-- Settlement records. L is (lowering_company, lowering_document), R is (raising_company, raising_document); with enlarges L is the
-- primary and R the document that enlarged it. amount, overpayment in lowering_currency; applied, cash_discount, underpayment in
-- raising_currency; credit_note_discount in that of the credit note (R with enlarges, else L); penny_difference in
-- penny_currency; realized_gain in gain_currency (R's company's own). event: the settlement.posted that said it.
-- reference: the offset in the reference topic up to which the parameters counted that decided it (reference_history.position is
-- less). why: what decided, null where nothing was said.
create table records (
    run_source text collate "C" not null,
    run_id text collate "C" not null,
    ledger text collate "C" not null,
    number integer not null,
    date date not null,
    party text collate "C" not null,
    primary_company text collate "C",
    primary_document text collate "C",
    lowering_company text collate "C" not null,
    lowering_document text collate "C" not null,
    raising_company text collate "C" not null,
    raising_document text collate "C" not null,
    enlarges boolean not null,
    lowering_currency text collate "C" not null,
    raising_currency text collate "C" not null,
    amount numeric not null,
    applied numeric not null,
    cash_discount numeric not null,
    cash_discount_rule text collate "C",
    credit_note_discount numeric not null,
    overpayment numeric not null,
    underpayment numeric not null,
    penny_difference numeric not null,
    penny_currency text collate "C",
    realized_gain numeric not null,
    gain_currency text collate "C" not null,
    event_source text collate "C" not null,
    event_id text collate "C" not null,
    first_source text collate "C" not null,
    first_id text collate "C" not null,
    reference bigint not null,
    why json,
    posted_at timestamptz not null,
    reversed_on date,
    reversed_at timestamptz,
    primary key (run_id, run_source, ledger, number)
);
create index records_by_lowering on records (lowering_document, lowering_company);
create index records_by_raising on records (raising_document, raising_company);
create index records_by_date on records (date);
create index records_by_party on records (party, date);

-- Reversals of settlement records, which may be read before the records.
create table record_reversals (
    run_source text collate "C" not null,
    run_id text collate "C" not null,
    ledger text collate "C" not null,
    number integer not null,
    date date not null,
    reason text not null,
    event_source text collate "C" not null,
    event_id text collate "C" not null,
    posted_at timestamptz not null,
    primary key (run_id, run_source, ledger, number)
);

-- Every voucher. position: the order in which they were taken here, for who reads on; it differs after a rebuild. cause: the
-- event of the settlement service that it was posted from, first: the event from outside.
create table vouchers (
    company text collate "C" not null,
    series text collate "C" not null,
    number bigint not null,
    position bigint generated always as identity,
    ledger text collate "C" not null,
    kind text collate "C" not null,
    date date not null,
    document text collate "C" not null,
    reference text,
    accounting_currency text collate "C" not null,
    run_source text collate "C",
    run_id text collate "C",
    record integer,
    posted_at timestamptz not null,
    event_id text collate "C" not null,
    cause_source text collate "C" not null,
    cause_id text collate "C" not null,
    first_source text collate "C" not null,
    first_id text collate "C" not null,
    primary key (company, series, number)
);
create index vouchers_by_date on vouchers (company, date, series, number);
create index vouchers_by_document on vouchers (document);
create index vouchers_by_run on vouchers (run_id, run_source) where run_id is not null;
create unique index vouchers_by_position on vouchers (position);
create index vouchers_by_company on vouchers (company, position);
create index vouchers_by_kind on vouchers (company, kind, date, series, number);
create index vouchers_by_first on vouchers (first_id);
create index vouchers_by_posting on vouchers using brin (posted_at);

-- Their lines, as posting has them: debit and credit in currency, accounting_* in the company's accounting currency; null on the side that the
-- line is not on. date: the voucher's. party, party_account, settles: of receivable and payable lines.
create table lines (
    company text collate "C" not null,
    series text collate "C" not null,
    number bigint not null,
    line integer not null,
    date date not null,
    posting_type text collate "C" not null,
    account text collate "C" not null,
    partner text collate "C",
    party text collate "C",
    party_account text collate "C",
    settles text collate "C",
    currency text collate "C" not null,
    debit numeric,
    credit numeric,
    accounting_debit numeric,
    accounting_credit numeric,
    dimensions json,
    text text not null,
    rule text collate "C" not null,
    primary key (company, series, number, line)
);
create index lines_by_partner on lines (company, partner, currency, date, series, number, line)
    include (debit, credit, accounting_debit, accounting_credit) where partner is not null;
create index lines_by_account on lines (company, account, date, series, number, line);
create index lines_by_settled_document on lines (settles, company) where settles is not null;
create index lines_by_party on lines (party, company, date, series, number, line) where party is not null;

-- Sums of the lines per day. partner: '' where there is none. lines: how many. A voucher that was taken before adds nothing.
create table daily (
    company text collate "C" not null,
    account text collate "C" not null,
    posting_type text collate "C" not null,
    partner text collate "C" not null,
    currency text collate "C" not null,
    date date not null,
    debit numeric not null,
    credit numeric not null,
    accounting_debit numeric not null,
    accounting_credit numeric not null,
    lines bigint not null,
    primary key (company, account, posting_type, partner, currency, date)
) with (fillfactor = 70);
create index daily_by_pair on daily (company, partner, currency, date) where partner <> '';

-- Sales payment journals, by the seller's company and their number there. status: created, posted, reversed, or refused (its number
-- was taken in the seller's books: the journal never was). payer_company and payer_document: the vendor payment that it mirrors;
-- payer: that payment's event; run: the run that made it; approval: the event that posted a created one. changed_at: of the status.
create table journals (
    company text collate "C" not null,
    document text collate "C" not null,
    journal text collate "C" not null,
    status text collate "C" not null,
    account text collate "C" not null,
    date date not null,
    currency text collate "C" not null,
    amount numeric not null,
    reference text,
    payer_company text collate "C" not null,
    payer_document text collate "C" not null,
    payer_source text collate "C" not null,
    payer_id text collate "C" not null,
    run_source text collate "C" not null,
    run_id text collate "C" not null,
    approval_source text collate "C",
    approval_id text collate "C",
    changed_at timestamptz not null,
    primary key (company, document)
);
create index journals_by_payer on journals (payer_document, payer_company);
create index journals_by_run on journals (run_id, run_source);
create index journals_by_number on journals (document);
create index journals_by_status on journals (company, status, document);

-- Journals whose number was taken, which may be read before them.
create table journal_refusals (
    company text collate "C" not null,
    document text collate "C" not null,
    refused_at timestamptz not null,
    primary key (company, document)
);

-- What was refused. id: of the refusal; service: who refused; field: a JSON pointer into original; at: when, by that service's clock.
create table refusals (
    id text collate "C" primary key,
    at timestamptz not null,
    service text collate "C" not null,
    source text collate "C" not null,
    event text collate "C" not null,
    type text collate "C",
    scope text collate "C" not null,
    code text collate "C" not null,
    field text not null,
    message text not null,
    company text collate "C",
    document text collate "C",
    original json not null
);
create index refusals_by_event on refusals (event, source);
create index refusals_by_time on refusals (at, id);
create index refusals_by_document on refusals (document) where document is not null;

-- Every version of the reference data that was read. position: the offset in the reference topic; the version in force for a
-- record is the one with the largest position below records.reference. type reference.withdrawn: none is in force since.
create table reference_history (
    key text collate "C" not null,
    position bigint not null,
    type text collate "C" not null,
    data json not null,
    event_source text collate "C" not null,
    event_id text collate "C" not null,
    from_time timestamptz not null,
    primary key (key, position)
);
create index reference_history_by_event on reference_history (event_id);
create index reference_history_by_name on reference_history ((lower(data ->> 'name')) collate "C") where type = 'party.defined';

-- What the companies' own systems said of vouchers that they took over: imported or failed. voucher: series-number.
create table imported (
    company text collate "C" not null,
    voucher text collate "C" not null,
    state text collate "C" not null,
    at timestamptz not null,
    erp_number text,
    message text,
    primary key (company, voucher)
);
create index imported_by_time on imported (company, at);
