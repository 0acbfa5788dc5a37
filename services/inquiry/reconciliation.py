"""The reconciler: what one service says is compared with what another one has of it, by count and by sum.

What always holds: with all services at rest every check holds, whatever was sent, in whatever order, and however often a
service was killed meanwhile; nothing is mended here, only shown. While something is under way checks can fail for the
moment: the first two say so.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final, TypeVar

from services.command_line import tables
from services.inquiry.schemas import schema_of
from services.posting import queries as ledger
from services.registry import SERVICES
from services.settlement import queries as subledger
from shared.delivery.inbox import inbox_key
from shared.events.kinds import DOCUMENT_REVERSAL, PAYMENT, PAYMENT_REVERSAL
from shared.money import ZERO

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from services.settlement.rules.values import Document, RecordInForce
    from shared.delivery.ports import Connection
    from shared.settings import Settings

K = TypeVar("K", bound=tuple[Any, ...])

_PAGE: Final = 5000
_SHOWN: Final = 20

_UNBALANCED: Final = """
select company, series || '-' || number as voucher from lines group by company, series, number, currency
having coalesce(sum(debit), 0) <> coalesce(sum(credit), 0)
union select company, series || '-' || number from lines group by company, series, number
having coalesce(sum(accounting_debit), 0) <> coalesce(sum(accounting_credit), 0) limit 20
"""
_GAPS: Final = """
select n.company, n.series, n.number as last, count(v.number) as vouchers, coalesce(max(v.number), 0) as highest
from numbers n left join vouchers v using (company, series) group by n.company, n.series, n.number
having count(v.number) <> n.number or coalesce(max(v.number), 0) <> n.number
"""
_BALANCES_DIFFER: Final = """
with sums as (
    select company, account, posting_type, coalesce(partner, '') as partner, currency,
    coalesce(sum(debit), 0) as debit, coalesce(sum(credit), 0) as credit,
    coalesce(sum(accounting_debit), 0) as accounting_debit, coalesce(sum(accounting_credit), 0) as accounting_credit
    from lines group by company, account, posting_type, coalesce(partner, ''), currency
)
select coalesce(s.company, b.company) as company, coalesce(s.account, b.account) as account
from sums s full join balances b using (company, account, posting_type, partner, currency)
where (s.debit, s.credit, s.accounting_debit, s.accounting_credit)
is distinct from (b.debit, b.credit, b.accounting_debit, b.accounting_credit) limit 20
"""
_POSTED: Final = """
select company, ledger, kind, count(*) as vouchers from vouchers where run_id is null group by company, ledger, kind
"""
_OF_RECORDS: Final = """
select run_source, run_id, ledger, record, count(*) filter (where kind = 'settlement') as made,
count(*) filter (where kind = 'settlement_reversal') as reversed
from vouchers join unnest($1::text[], $2::text[], $3::text[], $4::int[]) as wanted (run_source, run_id, ledger, record)
using (run_source, run_id, ledger, record) group by run_source, run_id, ledger, record
"""
_SETTLEMENT_VOUCHERS: Final = "select count(*) from vouchers where kind in ('settlement', 'settlement_reversal')"
_SUMMARY: Final = {"accounts_receivable": "receivable", "accounts_payable": "payable"}


@dataclass(frozen=True, slots=True)
class Check:
    """One comparison: what was compared, how much of it, and where it does not hold."""

    name: str
    compared: str
    problems: list[str] = field(default_factory=list)

    @property
    def holds(self) -> bool:
        """Whether it holds everywhere."""
        return not self.problems


async def reconcile(settings: Settings) -> list[Check]:
    """All checks, on the three schemas."""
    checks = [await _backlog(settings, "outbox", "decided and not yet sent"), await _backlog(settings, "failed", "put aside as defects")]
    async with schema_of("settlement", settings) as settlement, schema_of("posting", settings) as posting:
        documents = await _Documents.read(settlement)
        checks += [
            Check("every document's event is in the inbox", f"{documents.count} documents", documents.not_in_inbox),
            await _documents_posted(posting, documents),
            await _records_posted(settlement, posting),
            await _no_rows("every voucher balances in its currencies and in accounting currency", posting, _UNBALANCED),
            await _no_rows("voucher numbers are gapless", posting, _GAPS),
            await _no_rows("balances are the sums of the lines", posting, _BALANCES_DIFFER),
        ]
        balances = await ledger.balances(posting)
        checks += [_open_is_ledger(documents, balances), _mirrored(balances)]
    return checks


async def _backlog(settings: Settings, table: str, what: str) -> Check:
    problems, count = [], 0
    for service in SERVICES:
        async with schema_of(service.name, settings) as connection:
            rows = await connection.fetchval(f"select count(*) from {table}")  # noqa: S608 - a table of our own
        count += rows
        if rows:
            problems.append(f"{service.name} has {rows} in its table {table}")
    return Check(f"nothing is {what}", f"{count} rows", problems)


class _Documents:
    """What the settlement service has posted, summed up; read page by page."""

    def __init__(self) -> None:
        self.count = 0
        self.kinds: Counter[tuple[str, str, str]] = Counter()
        self.open: defaultdict[tuple[str, str], Decimal] = defaultdict(Decimal)
        self.not_in_inbox: list[str] = []

    @classmethod
    async def read(cls, settlement: Connection) -> _Documents:
        documents, page = cls(), []
        async for document in subledger.documents(settlement):
            page.append(document)
            documents._add(document)
            if len(page) == _PAGE:
                await documents._look_up(settlement, page)
                page = []
        await documents._look_up(settlement, page)
        return documents

    def _add(self, document: Document) -> None:
        self.count += 1
        self.kinds[document.company, document.ledger, document.kind] += 1
        if document.is_reversed:
            reversal = PAYMENT_REVERSAL if document.kind == PAYMENT else DOCUMENT_REVERSAL
            self.kinds[document.company, document.ledger, reversal] += 1
        sign = 1 if document.balance > 0 else -1
        self.open[document.company, document.ledger] += sign * document.open_accounting_amount

    async def _look_up(self, settlement: Connection, page: Iterable[Document]) -> None:
        keys = {inbox_key(document.event): document for document in page}
        rows = await settlement.fetch("select key from inbox where key = any($1::uuid[])", list(keys))
        taken = {row["key"].int for row in rows}
        self.not_in_inbox += [f"{each.company} {each.document}" for key, each in keys.items() if key.int not in taken][:_SHOWN]


async def _documents_posted(posting: Connection, documents: _Documents) -> Check:
    vouchers = {(row["company"], row["ledger"], row["kind"]): row["vouchers"] for row in await posting.fetch(_POSTED)}
    return Check("each document has its voucher", f"{sum(vouchers.values())} vouchers", _differing(documents.kinds, vouchers))


def _differing(here: Mapping[K, Any], there: Mapping[K, Any]) -> list[str]:
    nothing = ZERO
    return [
        f"{' '.join(map(str, key))}: {here.get(key, nothing):,} and {there.get(key, nothing):,}"
        for key in sorted({*here, *there})
        if here.get(key, nothing) != there.get(key, nothing)
    ]


async def _records_posted(settlement: Connection, posting: Connection) -> Check:
    """A record across companies has a voucher in both, one within a company at most one; as many reversals if it is reversed."""
    problems: list[str] = []
    records = found = 0
    async for page in subledger.record_pages(settlement):
        columns = zip(*((*record.run, record.ledger, record.number) for record in page), strict=True)
        rows = await posting.fetch(_OF_RECORDS, *map(list, columns))
        made = {(row["run_source"], row["run_id"], row["ledger"], row["record"]): (row["made"], row["reversed"]) for row in rows}
        records += len(page)
        found += sum(sum(counts) for counts in made.values())
        problems += [text for record in page if (text := _wrong(record, *made.get((*record.run, record.ledger, record.number), (0, 0))))]
    if found != (all_ := await posting.fetchval(_SETTLEMENT_VOUCHERS)):
        problems.append(f"{all_ - found} settlement vouchers belong to no record")
    return Check("each settlement record has its vouchers", f"{records} records, {all_} vouchers", problems[:_SHOWN])


def _wrong(record: RecordInForce, made: int, reversed_: int) -> str:
    across = record.lowering.company != record.raising.company
    most, least = (2, 2) if across else (1, 0)
    wanted = made if record.is_reversed else 0
    if least <= made <= most and reversed_ == wanted:
        return ""
    return f"{record.ledger} {record.run.id} record {record.number}: {made} vouchers, {reversed_} reversals"


async def _no_rows(name: str, posting: Connection, query: str) -> Check:
    rows = await posting.fetch(query)
    vouchers = await posting.fetchval("select count(*) from vouchers")
    return Check(name, f"{vouchers} vouchers", [" ".join(str(value) for value in row.values()) for row in rows])


def _open_is_ledger(documents: _Documents, balances: Iterable[dict[str, Any]]) -> Check:
    accounts: defaultdict[tuple[str, str], Decimal] = defaultdict(Decimal)
    for row in balances:
        side = _SUMMARY.get(row["posting_type"])
        if side is not None:
            accounts[row["company"], side] += row["accounting_debit"] - row["accounting_credit"]
    problems = _differing(documents.open, accounts)
    name = "open documents are the receivable and payable accounts, in accounting currency"
    return Check(name, f"{len(accounts)} companies and ledgers", problems)


def _mirrored(balances: Iterable[dict[str, Any]]) -> Check:
    sums = tables.sums_of_balances(row for row in balances if row["posting_type"] in {"due_from", "due_to"})
    nothing = {"due_from": ZERO, "due_to": ZERO}
    problems = [
        f"{company} has {cell['due_from']:,} {currency} due from {partner}, which has {other['due_to']:,} due to {company}"
        for (company, partner, currency), cell in sorted(sums.items())
        if (other := sums.get((partner, company, currency), nothing))["due_to"] != cell["due_from"]
    ]
    problems += [
        f"{company} has {cell['due_to']:,} {currency} due to {partner}, which has nothing due from {company}"
        for (company, partner, currency), cell in sorted(sums.items())
        if cell["due_to"] and (partner, company, currency) not in sums
    ]
    return Check("what A is due from B is what B is due to A, per currency", f"{len(sums)} pairs", problems)
