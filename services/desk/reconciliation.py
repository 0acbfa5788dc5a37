"""The reconciler: what one service says is compared with what another one has of it, by count and by sum.

Invariant: with all services at rest every check holds, whatever was sent, in whatever order, and however often a
service was killed meanwhile; nothing is mended here, only shown. While something is under way checks can fail for the
moment: the first two say so.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final, TypeVar

from services.desk.intercompany import disagreements, sums_of_balances
from services.posting import queries as posting_queries
from services.registry import SERVICES
from services.settlement import queries as settlement_queries
from shared.delivery import shell_queries
from shared.events.kinds import DOCUMENT_REVERSAL, PAYMENT, PAYMENT_REVERSAL
from shared.money import ZERO

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from services.desk.schemas import Schemas
    from services.posting.rules.books import Balance, BalanceKey
    from services.settlement.rules.values import Document, RecordInForce
    from shared.delivery.ports import Connection

K = TypeVar("K", bound=tuple[Any, ...])

_PAGE: Final = 500
_SHOWN: Final = 20
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

    def as_row(self) -> dict[str, Any]:
        """The check as an object."""
        return {"check": self.name, "compared": self.compared, "holds": self.holds, "problems": self.problems}


async def reconcile(schemas: Schemas) -> list[Check]:
    """All checks, on the three schemas."""
    checks = await _backlogs(schemas)
    async with schemas.of("settlement") as settlement, schemas.of("posting") as posting:
        documents = await _Documents.read(settlement)
        checks += [
            Check("every document's event is in the inbox", f"{documents.count} documents", documents.not_in_inbox),
            await _documents_posted(posting, documents),
            await _records_posted(settlement, posting),
        ]
        vouchers = f"{await posting_queries.voucher_count(posting)} vouchers"
        unbalanced = await posting_queries.unbalanced_vouchers(posting)
        checks += [
            Check("every voucher balances in its currencies and in accounting currency", vouchers, unbalanced),
            Check("voucher numbers are gapless", vouchers, await posting_queries.number_gaps(posting)),
            Check("balances are the sums of the lines", vouchers, await posting_queries.differing_balances(posting)),
        ]
        balances = await posting_queries.balances(posting)
        checks += [_open_is_ledger(documents, balances), _mirrored(balances)]
    return checks


async def _backlogs(schemas: Schemas) -> list[Check]:
    found: dict[str, shell_queries.Backlog] = {}
    for service in SERVICES:
        async with schemas.of(service.name) as connection:
            found[service.name] = await shell_queries.backlog(connection)
    return [
        _backlog({name: each.outbox for name, each in found.items()}, "outbox", "decided and not yet sent"),
        _backlog({name: each.failed for name, each in found.items()}, "failed", "put aside as defects"),
    ]


def _backlog(rows: Mapping[str, int], table: str, what: str) -> Check:
    problems = [f"{service} has {count} in its table {table}" for service, count in rows.items() if count]
    return Check(f"nothing is {what}", f"{sum(rows.values())} rows", problems)


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
        async for document in settlement_queries.documents(settlement):
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
        events = {document.event: document for document in page}
        taken = await shell_queries.taken(settlement, events)
        self.not_in_inbox += [f"{each.company} {each.document}" for event, each in events.items() if event not in taken][:_SHOWN]


async def _documents_posted(posting: Connection, documents: _Documents) -> Check:
    vouchers = await posting_queries.document_voucher_counts(posting)
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
    async for page in settlement_queries.record_pages(settlement):
        made = await posting_queries.record_voucher_counts(posting, map(_name, page))
        records += len(page)
        found += sum(sum(counts) for counts in made.values())
        problems += [text for record in page if (text := _wrong(record, *made.get(_name(record), (0, 0))))]
    if found != (all_ := await posting_queries.settlement_voucher_count(posting)):
        problems.append(f"{all_ - found} settlement vouchers belong to no record")
    return Check("each settlement record has its vouchers", f"{records} records, {all_} vouchers", problems[:_SHOWN])


def _name(record: RecordInForce) -> posting_queries.RecordName:
    return (*record.run, record.ledger, record.number)


def _wrong(record: RecordInForce, made: int, reversed_: int) -> str:
    across = record.lowering.company != record.raising.company
    most, least = (2, 2) if across else (1, 0)
    wanted = made if record.is_reversed else 0
    if least <= made <= most and reversed_ == wanted:
        return ""
    return f"{record.ledger} {record.run.id} record {record.number}: {made} vouchers, {reversed_} reversals"


def _open_is_ledger(documents: _Documents, balances: Mapping[BalanceKey, Balance]) -> Check:
    accounts: defaultdict[tuple[str, str], Decimal] = defaultdict(Decimal)
    for key, balance in balances.items():
        side = _SUMMARY.get(key.posting_type)
        if side is not None:
            accounts[key.company, side] += balance.accounting_debit - balance.accounting_credit
    problems = _differing(documents.open, accounts)
    name = "open documents are the receivable and payable accounts, in accounting currency"
    return Check(name, f"{len(accounts)} companies and ledgers", problems)


def _mirrored(balances: Mapping[BalanceKey, Balance]) -> Check:
    sums = sums_of_balances({**key._asdict(), **balance._asdict()} for key, balance in balances.items())
    return Check("what A is due from B is what B is due to A, per currency", f"{len(sums)} pairs", disagreements(sums))
