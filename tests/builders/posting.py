"""What the settlement service says, written briefly; and vouchers as a finance person would write them down."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from functools import cache
from typing import Any

import yaml

from services.posting.rules import Books, fold
from services.posting.rules.fold import POSTED_FROM
from shared.events.contract import CONTRACT
from shared.events.envelope import EventRef, Message
from shared.events.reference import CompanyDefined
from shared.events.settlements import (
    Discount,
    DiscountPart,
    DocumentPosted,
    DocumentReversed,
    Gain,
    Difference,
    PostedLine,
    ReversedRecord,
    SettledDocument,
    SettlementPosted,
    SettlementRecord,
    SettlementReversed,
)
from shared.events.vouchers import Voucher
from shared.money import share
from shared.reference import SUMMARY_TYPE, as_fraction
from tests.scenario_files import EXAMPLES

DAY = date(2015, 2, 15)
RUN = EventRef("scenario", "PAY")
_TYPES = {CONTRACT[name].data: name for name in POSTED_FROM}

Written = tuple[str, str | None, Decimal, Decimal, Decimal]
"""A line as a scenario writes it: account, partner, debit, credit, accounting amount."""


def money(text: str) -> Decimal:
    """An amount; short, because the tests are full of them."""
    return Decimal(text)


def message(data: Any, number: int = 0, event_type: str | None = None) -> Message:
    """The message with this data; `number` tells messages of one test apart."""
    name = event_type or _TYPES.get(type(data)) or next(name for name, entry in CONTRACT.items() if entry.data is type(data))
    ref = EventRef("intercompany/settlement", f"{name}-{number}")
    return Message(ref, name, data, datetime(2000, 1, 1, tzinfo=UTC), b"digest", cause=ref, first=RUN)


def books(*companies: CompanyDefined, accounting: tuple[Any, ...] = ()) -> Books:
    """Books of a group; without companies the three of the examples, which keep their books in USD without a chart."""
    group = Books(complete=True)
    for data in (*(companies or tuple(CompanyDefined(code, "USD") for code in ("FAB", "FABE", "FABW"))), *accounting):
        fold(group, message(data))
    group.commit()
    return group


def post(group: Books, *said: Any) -> list[Voucher]:
    """The vouchers that this makes, in the order of posting; they are in the books afterwards."""
    start = len(list(group.vouchers))
    posted = [outgoing.data for number, data in enumerate(said, start) for outgoing in fold(group, message(data, number))]
    group.commit()
    return posted


def document(  # noqa: PLR0913 - the fields that the tests set
    number: str,
    kind: str,
    amount: str,
    *,
    ledger: str = "receivable",
    company: str = "FAB",
    currency: str = "USD",
    own: str = "USD",
    rate: str = "1",
    lines: tuple[tuple[str, str] | tuple[str, str, dict[str, str]], ...] = (),
    dimensions: dict[str, str] | None = None,
) -> DocumentPosted:
    """A posted document; `lines` are account, amount and dimensions."""
    return DocumentPosted(
        ledger=ledger,
        company=company,
        document=number,
        kind=kind,
        party="4050",
        account="4000",
        date=DAY,
        currency=currency,
        amount=money(amount),
        accounting_currency=own,
        exchange_rate=money(rate),
        accounting_amount=share(money(amount), as_fraction(money(rate)), own),
        summary_account=SUMMARY_TYPE[ledger],
        dimensions=dimensions or {},
        lines=[PostedLine(line[0], money(line[1]), line[2] if len(line) > 2 else {}) for line in lines],
    )


def settled(posted: DocumentPosted, summary_account: str | None = None) -> SettledDocument:
    """A document as a settlement names it."""
    return SettledDocument(
        company=posted.company,
        document=posted.document,
        kind=posted.kind,
        account=posted.account,
        date=posted.date,
        currency=posted.currency,
        accounting_currency=posted.accounting_currency,
        exchange_rate=posted.exchange_rate,
        summary_account=summary_account or posted.summary_account,
        dimensions=posted.dimensions,
    )


def record(
    amount: str,
    accounting_amount_in_payment_company: str | None = None,
    accounting_amount_in_invoice_company: str | None = None,
    **more: Any,
) -> SettlementRecord:
    """Record 1 of a run over documents 0 (L) and 1 (R); values are the amount where they are not given."""
    in_payment = money(accounting_amount_in_payment_company or amount)
    in_invoice = money(accounting_amount_in_invoice_company) if accounting_amount_in_invoice_company else in_payment
    base = SettlementRecord(
        1,
        DAY,
        0,
        1,
        enlarges=False,
        amount=money(amount),
        applied=money(amount),
        accounting_amount_in_payment_company=in_payment,
        accounting_amount_in_invoice_company=in_invoice,
    )
    return replace(base, **more)


def run(
    lowering: Any, raising: Any, *records: SettlementRecord, ledger: str = "receivable", primary: int | None = None
) -> SettlementPosted:
    """A run of one pair of documents."""
    documents = [each if isinstance(each, SettledDocument) else settled(each) for each in (lowering, raising)]
    return SettlementPosted(ledger, RUN, "4050", primary, documents, list(records))


def discount(  # noqa: PLR0913 - the fields that the tests set
    amount: str,
    value: str | None = None,
    *,
    by_payment: bool = False,
    posted_accounting_amount: str | None = None,
    account: str | None = None,
    rule: str = "",
    parts: tuple[tuple[dict[str, str], str, str], ...] = (),
) -> Discount:
    """A discount; values are the amount where they are not given."""
    own = money(value or amount)
    split = [DiscountPart(dimensions, money(part), money(worth)) for dimensions, part, worth in parts]
    return Discount(
        money(amount), own, by_payment, money(posted_accounting_amount) if posted_accounting_amount else own, account, rule, split
    )


def gain(value: str, *, by_payment: bool = False, posted_accounting_amount: str | None = None) -> Gain:
    """A gain, or with a negative value a loss."""
    return Gain(money(value), by_payment, money(posted_accounting_amount or value))


def difference(amount: str, value: str | None = None, *, penny: bool = False) -> Difference:
    """An over- or underpayment or penny difference."""
    return Difference(money(amount), money(value or amount), penny)


def written(*vouchers: Voucher) -> list[Written]:
    """The lines of vouchers as a scenario writes them, sorted."""
    all_lines = [line for voucher in vouchers for line in voucher.lines]
    words = [
        (line.posting_type, line.partner, line.debit, line.credit, line.accounting_debit + line.accounting_credit) for line in all_lines
    ]
    return sorted(words, key=str)


def lines(*entries: str) -> list[Written]:
    """Lines from words: `due_to FABE cr 600.00 736.62`; the accounting amount is the amount where it is left out."""
    return sorted((_line(entry.split()) for entry in entries), key=str)


def _line(words: list[str]) -> Written:
    account, *partner, side, amount, accounting = words if _is_amount(words[-2]) else [*words, words[-1]]
    debit, credit = (money(amount), money("0.00")) if side == "dr" else (money("0.00"), money(amount))
    return (account, partner[0] if partner else None, debit, credit, money(accounting))


def _is_amount(word: str) -> bool:
    return word[0].isdigit()


@cache
def _scenario(name: str) -> Any:
    return yaml.safe_load((EXAMPLES / f"{name}.yaml").read_text(encoding="utf-8"))


def expected(scenario: str, company: str, kind: str, document: str | None = None) -> list[Written]:
    """The lines of all vouchers of a company and kind (and document) that a scenario file expects, sorted."""
    vouchers = [each for each in _scenario(scenario)["expect"]["vouchers"] if each["company"] == company and each["kind"] == kind]
    chosen = [each for each in vouchers if document in (None, each.get("document"))]
    return sorted((_expected_line(line) for each in chosen for line in each["lines"]), key=str)


def _expected_line(line: dict[str, str]) -> Written:
    debit, credit = money(line.get("debit", "0.00")), money(line.get("credit", "0.00"))
    accounting = money(line["accounting"]) if "accounting" in line else debit + credit
    return (line["account"], line.get("partner"), debit, credit, accounting)


def reversed_record(date_: date = DAY, ledger: str = "receivable", number: int = 1) -> SettlementReversed:
    """The reversal of one record of the run."""
    return SettlementReversed(ledger, [ReversedRecord(ledger, RUN, number, date_)], [RUN], [])


def reversed_document(number: str, company: str = "FAB", ledger: str = "receivable", date_: date = DAY) -> DocumentReversed:
    """The reversal of a payment."""
    return DocumentReversed(ledger, company, number, date_)
