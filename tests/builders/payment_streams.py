"""Random streams of what the payment service hears: runs, reversals, approvals, reference data, in any order."""

from __future__ import annotations

from random import Random
from typing import Any

from shared.events.envelope import EventRef
from shared.events.reference import CompanyDefined, PaymentJournalDefined
from shared.events.settlements import DocumentReversed, SalesPaymentJournalRefused, SettlementPosted, SettlementReversed
from tests.builders.payment import DAY, EAST, WEST, approved, invoice, payment, record, relation, run

SELLERS = ("FABW", "FABN")
PAYMENTS = ("V-1", "V-2", "V-3")


def stream(random: Random, length: int) -> list[Any]:
    """So many messages' data: what they name may come before or after them, or never."""
    return [random.choice(_KINDS)(random, number) for number in range(length)]


def _number(random: Random) -> str:
    return f"{random.choice(['J-A', 'J-B'])}-FAB-{random.choice(PAYMENTS)}-{random.randint(1, 3)}"


def _ref(number: int) -> EventRef:
    return EventRef("scenario", f"RUN-{number}")


def a_run(random: Random, number: int) -> SettlementPosted:
    """One or two payments and perhaps a credit note for two invoices; with a primary the first one is it."""
    kinds = ["payment", random.choice(["payment", "credit_note"]), "payment"][: random.randint(1, 3)]
    names = random.sample(PAYMENTS, len(kinds))
    payments = [payment(name, mark=place, kind=kind) for place, (name, kind) in enumerate(zip(names, kinds, strict=True))]
    sellers = [random.choice([*SELLERS, None]) for _ in range(2)]
    invoices = [invoice(f"VI-{number}-{place}", mark=place, seller=seller) for place, seller in enumerate(sellers)]
    documents = [*payments, *invoices]
    first = len(payments)
    if len(payments) == 1 or random.random() < 0.5:
        pairs = [record(place, first + place % 2, f"{random.randint(1, 9)}.00") for place in range(len(payments))]
        return run(documents, *pairs, ref=_ref(number))
    given = [random.randint(1, 9) for _ in payments]
    enlarging = [record(0, place, f"{given[place]}.00", enlarges=True) for place in range(1, len(payments))]
    one = random.randint(1, sum(given))
    paying = [record(0, first, f"{one}.00", discount="0.50"), record(0, first + 1, f"{sum(given) - one}.00")]
    return run(documents, *enlarging, *(each for each in paying if each.amount), primary=0, ref=_ref(number))


def _reversal(random: Random, number: int) -> SettlementReversed:
    runs = [_ref(random.randint(0, number))]
    return SettlementReversed("payable", [], runs, [(random.choice(SELLERS), _number(random))])


def _relation(random: Random, number: int) -> Any:
    del number
    return relation(random.choice(SELLERS), automatic=random.random() < 0.5, journal=random.choice(["J-A", "J-B"]))


_KINDS = (
    a_run,
    a_run,
    a_run,
    _reversal,
    _relation,
    lambda random, _: PaymentJournalDefined(random.choice(SELLERS), random.choice(["J-A", "J-B"])),
    lambda random, _: CompanyDefined(random.choice(SELLERS), random.choice(["USD", "EUR"])),
    lambda random, _: random.choice([EAST, WEST]),
    lambda random, number: approved(_number(random), f"A-{number}"),
    lambda random, _: DocumentReversed("receivable", random.choice(SELLERS), _number(random), DAY),
    lambda random, _: SalesPaymentJournalRefused(random.choice(SELLERS), _number(random)),
)
