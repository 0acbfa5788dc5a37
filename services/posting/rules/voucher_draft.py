"""A voucher while it is written: lines with their side, account, text and rule, then the check that it balances.

Invariant: a line of nothing is not written; a line in the company's own accounting currency has the same amount in
both, every amount has the digits of its currency; no voucher that does not balance, in each of its currencies and in the accounting
currency, gets a number.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from decimal import Decimal
from functools import lru_cache

from msgspec import Struct

from services.posting.rules.accounts import Account
from services.posting.rules.books import Books
from services.posting.rules.chain import Numbered, WrittenLine, content_digest, lines_content, sisters_of, written_line
from services.posting.rules.numbers import SERIES
from services.posting.rules.texts import line_words, voucher_words
from shared.events.envelope import EventRef
from shared.events.reference import CompanyDefined
from shared.events.vouchers import EventName, Voucher, VoucherLine
from shared.money import ZERO, rounded
from shared.reference import Reference


class PostingDefectError(Exception):
    """What must not happen: a voucher that cannot be posted. The message names the voucher and says what is wrong."""


class LineAmount(Struct, frozen=True, gc=False):
    """An amount in a currency, and what it is in the company's accounting currency; debit is positive, credit negative."""

    currency: str
    amount: Decimal
    accounting_amount: Decimal


class VoucherHeader(Struct, frozen=True, gc=False):
    """What a voucher is of: the ledger, the kind, the date, the document, and the run and record of a settlement.

    `reference` is the other side's number of the document, `text` what all lines say in place of the text made for them.
    """

    ledger: str
    kind: str
    date: date
    document: str
    run: EventRef | None = None
    record: int | None = None
    reference: str | None = None
    text: str | None = None

    def __str__(self) -> str:
        """The voucher in words, for an error."""
        settlement = f", run {self.run.source}/{self.run.id}, record {self.record}" if self.run is not None else ""
        return f"{self.ledger} {self.kind} voucher of {self.document}{settlement}"


@lru_cache(maxsize=512)
def nothing(currency: str) -> Decimal:
    """Zero in the minor digits of a currency."""
    return rounded(ZERO, currency)


def in_digits(amount: Decimal, currency: str) -> Decimal:
    """An amount in the minor digits of its currency, as the voucher's digest covers it."""
    return amount if amount and amount.same_quantum(nothing(currency)) else rounded(amount, currency)


class VoucherDraft:
    """A voucher of one company that has no number yet; each line is written twice: for whoever reads it, and as the digest covers it."""

    __slots__ = ("_content", "_nothing", "_words", "_written", "company", "header", "lines")

    def __init__(self, company: CompanyDefined, header: VoucherHeader) -> None:
        self.company = company
        self.header = header
        self.lines: list[VoucherLine] = []
        self._written: list[WrittenLine] = []
        self._content: bytes | None = None
        self._nothing = nothing(company.currency)
        self._words = voucher_words(company.language, header.kind, header.document)

    def line(self, account: Account, posted: LineAmount, rule: str) -> None:
        """Writes a line: debit if the amount (or, with none, the accounting amount) is positive, else credit; zero writes none."""
        currency, amount, value = posted.currency, posted.amount, posted.accounting_amount
        if not amount:
            if not value:
                return
            amount = nothing(currency)
        elif currency == self.company.currency:
            value = amount
        zero, no_value = nothing(currency), self._nothing
        if not amount.same_quantum(zero):
            amount = rounded(amount, currency)
        if not value or not value.same_quantum(no_value):
            value = rounded(value, self.company.currency)
        dimensions, item = account.dimensions, account.item
        text = self._text(account.posting_type, account.partner)
        place = (account.posting_type, account.account, account.partner, item.party, item.account, item.document, currency)
        if amount > ZERO or (value > ZERO and not amount):
            self.lines.append(VoucherLine(*place, amount, zero, value, no_value, dimensions, text, rule))
            self._written.append((*place, amount, None, value, None, dimensions or None, text, rule))
        else:
            amount, value = -amount if amount else amount, -value if value else value
            self.lines.append(VoucherLine(*place, zero, amount, no_value, value, dimensions, text, rule))
            self._written.append((*place, None, amount, None, value, dimensions or None, text, rule))

    def entry(self, debit: Account, credit: Account, posted: LineAmount, rule: str) -> None:
        """Writes a line and its counterpart; with negative amounts the two change sides."""
        self.line(debit, posted, rule)
        self.line(credit, LineAmount(posted.currency, -posted.amount, -posted.accounting_amount), rule)

    def mirror(self, lines: list[VoucherLine], rule: str) -> None:
        """Writes the lines of another voucher with debit and credit changed, all else the same."""
        for line in lines:
            text, own = self._text(line.posting_type, line.partner), self.company.currency
            sides = (
                *(in_digits(line.credit, line.currency), in_digits(line.debit, line.currency)),
                *(in_digits(line.accounting_credit, own), in_digits(line.accounting_debit, own)),
            )
            place = (line.posting_type, line.account, line.partner, line.party, line.party_account, line.settles, line.currency)
            mirrored = VoucherLine(*place, *sides, line.dimensions, text, rule)
            self.lines.append(mirrored)
            self._written.append(written_line(mirrored))

    def _text(self, posting_type: str, partner: str | None) -> str:
        """The text of a line: what was given for all of the voucher's lines, else what the voucher and the line are."""
        given = self.header.text
        return f"{self._words}: {line_words(self.company.language, posting_type, partner)}" if given is None else given

    def unbalanced(self) -> tuple[dict[str, Decimal], Decimal]:
        """Debits less credits in each currency of the lines, and in the company's accounting currency."""
        amounts: dict[str, Decimal] = {}
        value = ZERO
        for line in self.lines:
            amounts[line.currency] = amounts.get(line.currency, ZERO) + line.debit - line.credit
            value += line.accounting_debit - line.accounting_credit
        return amounts, value

    def defect(self, problem: str) -> PostingDefectError:
        """The error of this voucher, naming company, document, run and record."""
        return PostingDefectError(f"{self.company.company}: {self.header}: {problem}")

    def content(self) -> bytes:
        """The written form of the lines, to which none is added any more; PostingDefectError if they do not balance."""
        if self._content is None:
            amounts, value = self.unbalanced()
            if value or any(amounts.values()):
                off = ", ".join(f"{amount} {currency}" for currency, amount in amounts.items())
                problem = f"debits less credits are {off} and, in accounting currency, {value} {self.company.currency}, not zero"
                raise self.defect(problem)
            self._content = lines_content(self._written)
        return self._content

    def numbered(self, books: Books) -> Numbered:
        """The voucher with the next number of its series; PostingDefectError if it does not balance."""
        lines, header = self._content or self.content(), self.header
        key = books.next_key(self.company.company, SERIES[header.ledger, header.kind])
        run = None if header.run is None else EventName(*header.run)
        about = (header.ledger, header.kind, header.date, header.document, self.lines, run, header.record, header.reference)
        voucher = Voucher(key.voucher, key.series, key.number, key.company, self.company.currency, *about)
        return key, voucher, lines, content_digest(voucher, lines), (header.run, header.ledger, header.record)


def post(books: Books, drafts: Iterable[VoucherDraft]) -> list[Voucher]:
    """Posts the vouchers that one message makes, in their order: numbered all, since each digest covers its sisters, then chained.

    PostingDefectError if one of them does not balance.
    """
    numbered = [draft.numbered(books) for draft in drafts]
    for each, sisters in zip(numbered, sisters_of(numbered), strict=True):
        books.post(each, sisters)
    return [voucher for _, voucher, _, _, _ in numbered]


def new_voucher(reference: Reference, company: str, header: VoucherHeader) -> VoucherDraft:
    """An empty voucher in a company's books; PostingDefectError if the company is not defined."""
    entity = reference.company(company)
    if entity is None:
        msg = f"{company}: {header}: the company is not defined, though the settlement service posted in it"
        raise PostingDefectError(msg)
    return VoucherDraft(entity, header)
