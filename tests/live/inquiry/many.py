"""Many rows in the inquiry service's tables, made in the database: payments that settle invoices of other companies."""

from __future__ import annotations

from typing import Any

OPEN = 60
"""Of the invoices, how many are not paid."""

PAIRS = """
create temp table pairs as
select n, 'EUR' as currency, 'C' || n % 10 as payer, 'C' || (n + 1) % 10 as owner, 'P' || n % 500 as party,
'I' || n as invoice, 'P' || n as payment, date '2025-06-01' + (n * 300 / $1)::int as date,
timestamptz '2025-06-01Z' + n * 300.0 / $1 * interval '1 day' as at, n > $1 - 60 as is_open, n % 97 = 0 as is_reversed
from generate_series(1, $1::int) n"""
_FILLING = (
    """
insert into reference_history
select 'company/C' || n, n, 'company.defined',
json_build_object('company', 'C' || n, 'name', 'Company ' || n, 'currency', 'EUR', 'accounts', json_build_object()),
'group', 'C' || n, timestamptz '2025-01-01Z', ''::bytea from generate_series(0, 39) n
union all select 'party/P' || n, 100 + n, 'party.defined', json_build_object('party', 'P' || n, 'name', 'Party ' || n,
'customers', json_build_object(), 'vendors', json_build_object()), 'group', 'P' || n,
timestamptz '2025-01-01Z', ''::bytea from generate_series(0, 4999) n
union all select 'exchange-rate//EUR/USD/' || date '2012-01-01' + n, 10000 + n, 'exchange-rate.published',
json_build_object('from', 'EUR', 'to', 'USD', 'rate', '1.1'), 'ecb', 'R' || n,
timestamptz '2025-01-01Z', ''::bytea from generate_series(1, 6000) n""",
    """
insert into events (source, id, digest, is_current, type, time, topic, partition, "offset", received_at, last_received_at, last_offset,
company, account, document, currency, amount, data)
select 'erp', k.id, ''::bytea, true, k.type, at, 'intercompany.payments', 0, n, at, at, n, k.company, party, k.id, currency, 100, '{}'
from pairs cross join lateral (
    values (invoice, owner, 'customer-invoice.posted'), (payment, payer, 'customer-payment.posted')) as k (id, company, type)""",
    """
insert into documents (ledger, company, document, kind, sign, party, account, date, due_date, currency, amount, accounting_currency,
exchange_rate, accounting_amount, summary_account, event_source, event_id, first_source, first_id, cash_discounts, posted_at, open,
open_accounting)
select 'receivable', k.company, k.id, k.kind, k.sign, party, party, date - k.before, date + 30, currency, 100, 'EUR', 1, 100, '1000', 'erp',
k.id, 'erp',
k.id, case when k.kind = 'invoice' then '[{"percent": "2", "days": 200}]'::json end, at,
case when is_open then 100 else 0 end, case when is_open then 100 else 0 end
from pairs cross join lateral (
    values (invoice, owner, 'invoice', 1, 10), (payment, payer, 'payment', -1, 0)) as k (id, company, kind, sign, before)""",
    """
insert into takes select 'erp', payment, 'receivable', 1, k.side, k.company, k.id, date, 100, 100, at,
case when is_reversed then date + 2 end, case when is_reversed then at + interval '2 days' end
from pairs cross join lateral (values ('R', owner, invoice), ('L', payer, payment)) as k (side, company, id) where not is_open""",
    """
insert into records (run_source, run_id, ledger, number, date, party, lowering_company, lowering_document, raising_company,
raising_document, enlarges, lowering_currency, raising_currency, amount, applied, cash_discount, credit_note_discount, overpayment,
underpayment, penny_difference, realized_gain, gain_currency, event_source, event_id, first_source, first_id, reference, posted_at,
reversed_on, reversed_at)
select 'erp', payment, 'receivable', 1, date, party, payer, payment, owner, invoice, false, currency, currency, 100, 100, 0,
0, 0, 0, 0, 0, 'EUR', 'intercompany/settlement', payment, 'erp', payment, 0, at, case when is_reversed then date + 2 end,
case when is_reversed then at + interval '2 days' end from pairs where not is_open""",
    """
insert into vouchers (company, series, number, ledger, kind, date, document, accounting_currency, run_source, run_id, record, posted_at,
event_id, cause_source, cause_id, first_source, first_id)
select k.company, k.series, n, 'receivable', k.kind, date, k.id, 'EUR', case when k.run then 'erp' end, case when k.run then payment end,
case when k.run then 1 end, at, k.series || n, 'intercompany/settlement', k.id, 'erp', k.cause
from pairs cross join lateral (values
    (owner, 'AR-INV', 'invoice', invoice, false, invoice), (payer, 'AR-PAY', 'payment', payment, false, payment),
    (owner, 'AR-SET', 'settlement', payment, true, payment), (payer, 'AR-SET', 'settlement', payment, true, payment)
) as k (company, series, kind, id, run, cause) where not (is_open and k.run) order by n""",
    """
insert into lines
select v.company, v.series, v.number, k.line, v.date, k.posting_type, k.account, k.partner, k.party, k.party, k.settles, p.currency,
case when k.debit then 100 end, case when not k.debit then 100 end, case when k.debit then 100 end, case when not k.debit then 100 end,
'{"centre": "A"}', 'text', 'F-C01', v.posted_at
from vouchers v join pairs p on p.n = v.number cross join lateral (
    select 1 as line, 'accounts_receivable' as posting_type, '1000' as account, null as partner, p.party as party, v.document as settles,
    v.series = 'AR-INV' or v.series = 'AR-SET' and v.company = p.payer as debit
    union all select 2, case when v.series = 'AR-INV' then 'sales' when v.series = 'AR-PAY' then 'cash' when v.company = p.payer
    then 'due_to' else 'due_from' end, case when v.series = 'AR-INV' then '4000' when v.series = 'AR-PAY' then '1010' else '2380' end,
    case when v.series = 'AR-SET' then case when v.company = p.payer then p.owner else p.payer end end, null, null,
    not (v.series = 'AR-INV' or v.series = 'AR-SET' and v.company = p.payer)
) as k""",
    """
insert into daily
select company, account, posting_type, coalesce(partner, ''), currency, date, coalesce(sum(debit), 0), coalesce(sum(credit), 0),
coalesce(sum(accounting_debit), 0), coalesce(sum(accounting_credit), 0), count(*) from lines group by 1, 2, 3, 4, 5, 6""",
    """
insert into between_days
select l.company, l.partner, l.currency, l.posting_type, l.date, (v.posted_at at time zone 'UTC')::date, coalesce(sum(l.debit), 0),
coalesce(sum(l.credit), 0), coalesce(sum(l.accounting_debit), 0), coalesce(sum(l.accounting_credit), 0), count(*)
from lines l join vouchers v using (company, series, number)
where l.partner is not null and l.posting_type in ('due_from', 'due_to') group by 1, 2, 3, 4, 5, 6""",
    """
insert into between_months
select company, partner, currency, posting_type, date_trunc('month', date), sum(debit), sum(credit), sum(accounting_debit),
sum(accounting_credit), max(date), sum(lines) from between_days group by 1, 2, 3, 4, 5""",
    """
insert into journals select owner, payment, 'ARPAY', case when is_open then 'created' else 'posted' end, party, date, currency, 100, null,
payer, payment, 'erp', payment, 'erp', payment, null, null, at from pairs where n % 2 = 0""",
    """
insert into refusals select 'F' || n, at, 'settlement', 'erp', 'X' || n, 'customer-invoice.posted', 'event', 'invalid', '/amount', '',
payer, 'X' || n, '{}' from pairs""",
    """
insert into imported select company, series || '-' || lpad(number::text, greatest(length(number::text), 6), '0'),
case when number % 100 = 0 then 'failed' else 'imported' end, posted_at, 'GJ', null, 'erp', 'T'
from vouchers where date < (select max(date) - 5 from vouchers)""",
    """
update vouchers v set import_state = i.state from imported i
where i.company = v.company and i.voucher = v.series || '-' || lpad(v.number::text, greatest(length(v.number::text), 6), '0')""",
    "drop table pairs",
    "analyze",
)


async def fill(connection: Any, payments: int, pairs: str = PAIRS) -> None:
    """Fills empty tables; `payments` with as many invoices. `pairs`: who pays for whom, when, in which currency."""
    await connection.execute("set synchronous_commit = off")
    await connection.execute(pairs.replace("$1::int", str(payments)).replace("$1", str(payments)))
    for statement in _FILLING:
        await connection.execute(statement)
