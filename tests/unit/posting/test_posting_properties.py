"""Whatever the settlement service says: vouchers balance, both ledgers mirror each other, a reversal undoes, numbers have no gap."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import replace
from decimal import Decimal
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from services.posting.rules import Books, fold
from services.posting.rules.books import Balance, balances_of
from shared.events.reference import CompanyDefined
from shared.events.settlements import Difference, Discount, DiscountPart, Gain, SettlementPosted, SettlementRecord
from shared.events.vouchers import Voucher
from shared.money import minor_unit
from tests.builders.posting import DAY, RUN, books, document, message, post, reversed_record, settled

GROUP = (CompanyDefined("FAB", "USD"), CompanyDefined("FABE", "EUR"), CompanyDefined("FABJ", "JPY"), CompanyDefined("FABW", "USD"))
OWN = {company.company: company.currency for company in GROUP}
MIRRORED = {
    "accounts_receivable": "accounts_payable",
    "due_to": "due_from",
    "due_from": "due_to",
    "realized_gain": "realized_loss",
    "realized_loss": "realized_gain",
}
ZERO = Decimal(0)


def units(currency: str, least: int = 0) -> st.SearchStrategy[Decimal]:
    return st.integers(least, 10**9).map(lambda count: count * minor_unit(currency))


@st.composite
def worth(draw: st.DrawFn, amount: Decimal, currency: str, company: str) -> Decimal:
    """The value of an amount in a company: the amount itself in its own currency, else anything."""
    return amount if currency == OWN[company] else draw(units(OWN[company]))


@st.composite
def discounts(draw: st.DrawFn, currency: str, owner: str, payer: str) -> Discount:
    by_payment = draw(st.booleans())
    amounts = draw(st.lists(units(currency, 1), min_size=1, max_size=3))
    poster = payer if by_payment else owner
    parts = [DiscountPart({"centre": str(number)}, each, draw(worth(each, currency, poster))) for number, each in enumerate(amounts)]
    amount, posted = sum(amounts, ZERO), sum((part.accounting_amount for part in parts), ZERO)
    value = posted if poster == owner else draw(worth(amount, currency, owner))
    return Discount(amount, value, by_payment, posted, None, draw(st.sampled_from(["", "F-D10"])), parts if draw(st.booleans()) else [])


@st.composite
def gains(draw: st.DrawFn, payer: str, owner: str) -> Gain:
    sign = draw(st.sampled_from([1, -1]))
    value, posted = draw(units(OWN[owner], 1)), draw(units(OWN[payer]))
    return Gain(sign * value, draw(st.booleans()) and payer != owner, sign * posted)


@st.composite
def differences(draw: st.DrawFn, currency: str, company: str) -> Difference:
    amount = draw(units(currency, 1))
    return Difference(amount, draw(worth(amount, currency, company)), draw(st.booleans()))


@st.composite
def runs(draw: st.DrawFn) -> SettlementPosted:
    """One record in the receivable ledger, with everything that can be in it."""
    payer, owner = draw(st.sampled_from(list(OWN))), draw(st.sampled_from(list(OWN)))
    paid, due = draw(st.sampled_from(["USD", "EUR", "KWD"])), draw(st.sampled_from(["USD", "EUR", "KWD"]))
    enlarges = draw(st.booleans())
    lowering = document("L", draw(st.sampled_from(["payment", "credit_note"])), "1", company=payer, currency=paid)
    raising = document("R", draw(st.sampled_from(["payment", "credit_note"])) if enlarges else "invoice", "1", company=owner, currency=due)
    amount = draw(units(paid, 1))
    entry = SettlementRecord(
        *(1, DAY, 0, 1, enlarges, amount, draw(units(due, 1))),
        accounting_amount_in_payment_company=draw(worth(amount, paid, payer)),
        accounting_amount_in_invoice_company=draw(worth(amount, paid, owner)),
        gain=draw(st.none() | gains(payer, owner)),
    )
    notes = [each for each in ((raising, lowering) if enlarges else (lowering,)) if each.kind == "credit_note"]
    if notes:
        own = draw(st.none() | discounts(notes[0].currency, notes[0].company, notes[0].company))
        entry.credit_note_discount = own
    if not enlarges:
        entry.discount = draw(st.none() | discounts(due, owner, payer))
        entry.remainder = draw(st.none() | differences(paid, payer))
        entry.shortfall = draw(st.none() | differences(due, owner))
    return SettlementPosted("receivable", RUN, "4050", None, [settled(lowering), settled(raising)], [entry])


def net(vouchers: Iterable[Voucher]) -> dict[tuple[Any, ...], tuple[Decimal, Decimal]]:
    """Debits less credits in both currencies, by company, posting type, partner and currency, where not zero."""
    sums: dict[tuple[Any, ...], tuple[Decimal, Decimal]] = defaultdict(lambda: (ZERO, ZERO))
    for voucher in vouchers:
        for line in voucher.lines:
            key = (voucher.company, line.posting_type, line.partner, line.currency)
            amount, value = sums[key]
            sums[key] = (amount + line.debit - line.credit, value + line.accounting_debit - line.accounting_credit)
    return {key: sides for key, sides in sums.items() if any(sides)}


@given(runs())
def test_every_voucher_balances_and_every_line_is_on_one_side(run: SettlementPosted) -> None:
    for voucher in post(books(*GROUP), run):
        assert sum(line.accounting_debit - line.accounting_credit for line in voucher.lines) == 0
        for currency in {line.currency for line in voucher.lines}:
            assert sum(line.debit - line.credit for line in voucher.lines if line.currency == currency) == 0
        for line in voucher.lines:
            sides = (line.debit, line.credit, line.accounting_debit, line.accounting_credit)
            assert min(sides) == 0
            assert any(sides)
            assert not (line.debit and (line.credit or line.accounting_credit))
            assert not (line.accounting_debit and (line.credit or line.accounting_credit))


@given(runs())
def test_what_one_company_is_due_the_other_owes(run: SettlementPosted) -> None:
    sums = net(post(books(*GROUP), run))
    for (company, posting_type, partner, currency), (amount, _) in sums.items():
        if posting_type in {"due_to", "due_from"} and amount:
            assert sums[partner, MIRRORED[posting_type], company, currency][0] == -amount


@given(runs())
def test_documents_change_by_what_the_record_says(run: SettlementPosted) -> None:
    """The summary accounts: in transaction currency and in the accounting currency of each document's company."""
    (entry,), (lowering, raising) = run.records, run.documents
    vouchers = post(books(*GROUP), run)
    expected: dict[tuple[str, str], tuple[Decimal, Decimal]] = defaultdict(lambda: (ZERO, ZERO))

    def changes(company: str, currency: str, amount: Decimal, value: Decimal) -> None:
        before = expected[company, currency]
        expected[company, currency] = (before[0] + amount, before[1] + value)

    sign = -1 if entry.enlarges else 1
    if lowering.company != raising.company:
        changes(lowering.company, lowering.currency, sign * entry.amount, sign * entry.accounting_amount_in_payment_company)
        changes(raising.company, lowering.currency, -sign * entry.amount, -sign * entry.accounting_amount_in_invoice_company)
    if entry.gain:
        own = lowering.currency == raising.accounting_currency  # then 0.00 would be its own value
        changes(raising.company, raising.currency if own else lowering.currency, ZERO, entry.gain.accounting_amount)
    if entry.discount:
        changes(raising.company, raising.currency, -entry.discount.amount, -entry.discount.accounting_amount)
    if entry.credit_note_discount:
        note = raising if entry.enlarges and raising.kind == "credit_note" else lowering
        changes(note.company, note.currency, entry.credit_note_discount.amount, entry.credit_note_discount.posted_accounting_amount)
    if entry.remainder:
        changes(lowering.company, lowering.currency, entry.remainder.amount, entry.remainder.accounting_amount)
    if entry.shortfall:
        changes(raising.company, raising.currency, -entry.shortfall.amount, -entry.shortfall.accounting_amount)
    found = {(key[0], key[3]): sides for key, sides in net(vouchers).items() if key[1] == "accounts_receivable"}
    assert found == {key: sides for key, sides in expected.items() if any(sides)}


@given(runs())
def test_payable_is_the_mirror_of_receivable(run: SettlementPosted) -> None:
    """Every line on the other side, due to and due from changed, a gain where there was a loss."""
    (entry,) = run.records
    turned = entry.gain and replace(
        entry.gain, accounting_amount=-entry.gain.accounting_amount, posted_accounting_amount=-entry.gain.posted_accounting_amount
    )
    documents = [replace(each, summary_account="accounts_payable") for each in run.documents]
    mirror = replace(run, ledger="payable", documents=documents, records=[replace(entry, gain=turned)])
    receivable, payable = net(post(books(*GROUP), run)), net(post(books(*GROUP), mirror))
    assert payable == {
        (company, MIRRORED.get(posting_type, posting_type), partner, currency): (-amount, -value)
        for (company, posting_type, partner, currency), (amount, value) in receivable.items()
    }


@given(runs())
def test_a_settlement_and_its_reversal_leave_nothing(run: SettlementPosted) -> None:
    group = books(*GROUP)
    settlement = post(group, run)
    mirrors = post(group, reversed_record())
    assert net([*settlement, *mirrors]) == {}
    assert [(mirror.company, mirror.document) for mirror in mirrors] == sorted(
        (voucher.company, voucher.document) for voucher in settlement
    )


@given(st.lists(runs(), min_size=1, max_size=6))
def test_numbers_have_no_gap_and_the_same_messages_give_the_same_events(said: list[SettlementPosted]) -> None:
    messages = [message(replace(run, run=RUN._replace(id=f"run-{number}")), number) for number, run in enumerate(said)]

    def outgoing(group: Books) -> list[Any]:
        return [each for one in messages for each in fold(group, one)]

    once = outgoing(books(*GROUP))
    again = books(*GROUP)
    outgoing(again)
    again.rollback()
    assert outgoing(again) == once
    assert len({each.ref for each in once}) == len(once)
    by_company: dict[str, list[str]] = defaultdict(list)
    for each in once:
        by_company[each.key].append(each.data.voucher)
    assert all(numbers == [f"AR-SET-{count:06}" for count in range(1, len(numbers) + 1)] for numbers in by_company.values())


@given(st.lists(runs(), min_size=1, max_size=4))
def test_balances_are_the_sums_of_the_lines(said: list[SettlementPosted]) -> None:
    group = books(*GROUP)
    for number, run in enumerate(said):
        post(group, replace(run, run=RUN._replace(id=f"run-{number}")))
    assert group.balances == balances_of(group.vouchers)
    assert sum((balance.accounting_debit - balance.accounting_credit for balance in group.balances.values()), ZERO) == 0
    assert Balance() not in group.balances.values()
