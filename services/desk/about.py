"""What an event is about, as it says itself: which companies, which document, whose account, how much.

It reads what was refused too, where anything may stand anywhere: what cannot be understood is not said.

Invariant: nothing that an event holds makes a failure here; a party is the one that the reference data has behind the account now.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any, Final, NamedTuple, cast

from services.desk.rows import money
from services.settlement import queries as settlement_queries
from services.settlement.rules.values import DocumentKey
from shared.money import CURRENCIES
from shared.reference import PAYABLE, RECEIVABLE

if TYPE_CHECKING:
    from services.desk.schemas import Schemas
    from shared.events.values import Ledger
    from shared.reference import Reference

Row = dict[str, Any]

_LONGEST: Final = 512
_LARGEST: Final = Decimal(10) ** 28
_UNNAMEABLE: Final = re.compile(r"[\x00-\x1f\x7f\ud800-\udfff]")
_NAMED: Final = ("document", "payment", "primary")
"""Where an event names a document that it does not post itself."""
_LEDGERS: Final = {"vendor": PAYABLE, "customer": RECEIVABLE, "sales": RECEIVABLE}


class Subject(NamedTuple):
    """What an event is about. `account`: ledger, company, account; `companies`: all that it names, `amount` in `currency`."""

    companies: frozenset[str] = frozenset()
    company: str | None = None
    ledger: str | None = None
    document: str | None = None
    account: tuple[str, str, str] | None = None
    currency: str | None = None
    amount: Decimal | None = None

    @property
    def key(self) -> DocumentKey | None:
        """The document by its key."""
        if self.ledger is None or self.company is None or self.document is None:
            return None
        return DocumentKey(cast("Ledger", self.ledger), self.company, self.document)

    def as_row(self, party: Row | None) -> Row:
        """Company, document, party and amount as a list shows them."""
        amount = None if self.amount is None or self.currency is None else money(self.amount, self.currency)
        named = {"company": self.company, "ledger": self.ledger, "document": self.document}
        return {**named, "party": party, "currency": self.currency, "amount": amount}


def about(kind: Any, data: Any) -> Subject:
    """What an event of this type (`vendor-payment.posted`, with prefix and version or without) and data is about."""
    if not isinstance(data, Mapping):
        return Subject()
    marks = [mark for mark in _list(data.get("settle")) if isinstance(mark, Mapping)]
    named: list[Mapping[str, Any]] = [each for name in _NAMED if isinstance(each := data.get(name), Mapping)]
    chosen = next(iter([*named, *marks]), {}) if _text(data.get("company")) is None else data
    company, ledger = _text(chosen.get("company")), _ledger(kind, data)
    account, currency = _text(data.get("vendor")) or _text(data.get("account")), _text(data.get("currency"))
    owner = _text(data.get("buyer")) or company
    companies = [data.get("company"), data.get("buyer"), data.get("seller"), *(each.get("company") for each in [*named, *marks])]
    return Subject(
        frozenset(text for each in companies if (text := _text(each)) is not None),
        company,
        ledger,
        _text(chosen.get("document")),
        (ledger, owner, account) if ledger and owner and account else None,
        currency if currency in CURRENCIES else None,
        _amount(data.get("amount")) if currency in CURRENCIES else None,
    )


async def parties(schemas: Schemas, reference: Reference, subjects: Iterable[Subject]) -> dict[Subject, Row | None]:
    """The party of each, with id and name: that of its account, or of the document that it names. One query at most."""
    wanted = set(subjects)
    keys = {key for each in wanted if each.account is None and (key := each.key) is not None}
    documents = {}
    if keys:
        async with schemas.of("settlement") as connection:
            documents = await settlement_queries.documents_by_key(connection, keys)
    found: dict[Subject, Row | None] = {}
    for each in wanted:
        there = None if each.key is None else documents.get(each.key)
        id_ = reference.party(*each.account) if each.account is not None else there.party if there is not None else None
        known = reference.parties.get(id_) if id_ is not None else None
        found[each] = None if id_ is None else {"id": id_, "name": None if known is None else known.name}
    return found


def _ledger(kind: Any, data: Mapping[str, Any]) -> str | None:
    said = data.get("ledger")
    if isinstance(said, str) and said in {PAYABLE, RECEIVABLE}:
        return said
    name = kind.removeprefix("intercompany.") if isinstance(kind, str) else ""
    return _LEDGERS.get(name.partition("-")[0])


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _text(value: Any) -> str | None:
    """A text that may name something: nothing else is asked for, or shown."""
    return value if isinstance(value, str) and 0 < len(value) <= _LONGEST and not _UNNAMEABLE.search(value) else None


def _amount(value: Any) -> Decimal | None:
    try:
        amount = Decimal(value) if isinstance(value, str) and len(value) <= _LONGEST else None
    except InvalidOperation:
        return None
    return amount if amount is not None and amount.is_finite() and abs(amount) < _LARGEST else None
