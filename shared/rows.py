"""How what is posted is spelled as an object, whoever shows it: amounts, vouchers, documents, settlement records, journals, balances.

The form is that of scenarios.md ("The commands"). It stands below the services because both that show have it: the desk
shows the books of the three services, inquiry what it keeps of the topics, and neither may import the other.

Invariant: one spelling. Amounts are decimal strings in the minor digits of their currency; dates are ISO; a field that is nothing
is null and is there.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, Final

from shared.money import ZERO, rounded

if TYPE_CHECKING:
    from collections.abc import Mapping
    from decimal import Decimal

    from shared.events.vouchers import Voucher, VoucherLine

Row = dict[str, Any]

Key = tuple[str, str]
"""A document in its ledger: company and number."""


def money(amount: Decimal, currency: str) -> str:
    """An amount as it is shown: in the currency's minor digits, without an exponent, and never a negative zero."""
    return format(rounded(amount, currency) + ZERO, "f")


def instant(time: dt.datetime) -> str:
    """A time as it is shown: in UTC, by RFC 3339, with a Z."""
    return time.astimezone(dt.UTC).isoformat().replace("+00:00", "Z")


def voucher_row(voucher: Voucher) -> Row:
    """A voucher with its lines, in the words of `voucher.posted`."""
    return {
        "voucher": voucher.voucher,
        "series": voucher.series,
        "number": voucher.number,
        "company": voucher.company,
        "accounting_currency": voucher.accounting_currency,
        "ledger": voucher.ledger,
        "kind": voucher.kind,
        "date": voucher.date.isoformat(),
        "document": voucher.document,
        "lines": [line_row(line, voucher.accounting_currency) for line in voucher.lines],
        "settlement": asdict(voucher.settlement) if voucher.settlement else None,
        "record": voucher.record,
        "reference": voucher.reference,
        "digest": voucher.digest,
    }


def line_row(line: VoucherLine, accounting_currency: str) -> Row:
    """A line of a voucher; `accounting_currency`: its company's."""
    return {
        "posting_type": line.posting_type,
        "account": line.account,
        "partner": line.partner,
        "party": line.party,
        "party_account": line.party_account,
        "settles": line.settles,
        "currency": line.currency,
        "debit": money(line.debit, line.currency),
        "credit": money(line.credit, line.currency),
        "accounting_debit": money(line.accounting_debit, accounting_currency),
        "accounting_credit": money(line.accounting_credit, accounting_currency),
        "dimensions": dict(line.dimensions),
        "text": line.text,
        "rule": line.rule,
    }


BALANCE_AMOUNTS: Final = ("debit", "credit", "accounting_debit", "accounting_credit")


def amounts_row(amounts: Mapping[str, Decimal], currency: str, accounting_currency: str) -> Row:
    """Amounts by name: those named accounting_* in the accounting currency, the others in `currency`."""
    return {name: money(amount, accounting_currency if name.startswith("accounting_") else currency) for name, amount in amounts.items()}


def document_row(ledger: str, key: Key, currency: str, balance: Decimal) -> Row:
    """A document with what is open of it, debit positive."""
    company, document = key
    return {"company": company, "document": document, "ledger": ledger, "currency": currency, "balance": money(balance, currency)}


SETTLEMENT_AMOUNTS: Final = (
    *("amount", "cash_discount", "credit_note_discount", "overpayment", "underpayment", "penny_difference", "realized_gain"),
)


def settlement_row(run: str, ledger: str, date: dt.date, sides: tuple[Key, Key], amounts: Mapping[str, tuple[Decimal, str]]) -> Row:
    """A settlement record: `run` is the id of the event that asked for it, `sides` the document debited and the one credited.

    `amounts`: each of SETTLEMENT_AMOUNTS with its currency.
    """
    (debit_company, debit_document), (credit_company, credit_document) = sides
    return {
        "settlement": run,
        "ledger": ledger,
        "date": date.isoformat(),
        "debit_company": debit_company,
        "debit_document": debit_document,
        "credit_company": credit_company,
        "credit_document": credit_document,
        **{name: money(*amounts[name]) for name in SETTLEMENT_AMOUNTS},
    }


def journal_row(  # noqa: PLR0913 - what a journal says
    key: Key, journal: str, status: str, date: dt.date, amount: tuple[Decimal, str], mirrors: Key, reference: str | None
) -> Row:
    """A sales payment journal in the seller's company; `mirrors`: the vendor payment, by the payer's company and number."""
    company, document = key
    return {
        "company": company,
        "journal": journal,
        "document": document,
        "status": status,
        "date": date.isoformat(),
        "currency": amount[1],
        "amount": money(*amount),
        "mirrors": dict(zip(("company", "document"), mirrors, strict=True)),
        "reference": reference,
    }
