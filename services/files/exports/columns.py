"""The columns of each list that can be exported: where in a row of the API a cell stands, and of what kind it is.

Invariant: the columns of a list are the same whatever rows there are; an amount names the column of its currency.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from enum import Enum, auto
from typing import TYPE_CHECKING, Any, Final

import orjson

from services.files.signs import is_debit, signed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

Row = dict[str, Any]


class CellKind(Enum):
    """What a cell holds."""

    TEXT = auto()
    DATE = auto()
    NUMBER = auto()
    AMOUNT = auto()


@dataclass(frozen=True, slots=True)
class ExportColumn:
    """A column: its heading, and the path to its value in a row. `currency`: of an amount, the path to its currency's code.

    `is_summed`: whether an amount adds up over rows; a balance that runs along them does not.
    """

    name: str
    path: tuple[str, ...]
    kind: CellKind = CellKind.TEXT
    currency: tuple[str, ...] = ()
    is_summed: bool = True

    def value(self, row: Row) -> Any:
        """The cell of a row; None: nothing stands there."""
        return at(row, self.path)


@dataclass(frozen=True, slots=True)
class Listing:
    """A list: its name, its columns, and how many rows of the API are read at once.

    `rows`: the rows of cells that a row of the API is. `of`: the path to what totals are kept by beside the currency, a company.
    """

    name: str
    columns: tuple[ExportColumn, ...]
    at_once: int = 500
    rows: Callable[[Row], Iterable[Row]] = lambda row: (row,)
    of: tuple[str, ...] = ("company",)


def at(row: Row, path: tuple[str, ...]) -> Any:
    """What stands at a path; None where something on the way is nothing."""
    found: Any = row
    for name in path:
        if found is None:
            return None
        found = found.get(name)
    return orjson.dumps(found).decode() if isinstance(found, dict | list) else found


def _columns(kind: CellKind, names: str, currency: str = "", **more: Any) -> tuple[ExportColumn, ...]:
    """Columns by their paths, `party.id` or `heading=party.id`; without a heading a path is named with `_` for each point."""
    found = []
    for each in names.split():
        heading, is_named, path = each.partition("=")
        place = path if is_named else each
        found.append(ExportColumn(heading if is_named else each.replace(".", "_"), tuple(place.split(".")), kind, _path(currency), **more))
    return tuple(found)


def _path(text: str) -> tuple[str, ...]:
    return tuple(text.split(".")) if text else ()


def _texts(names: str) -> tuple[ExportColumn, ...]:
    return _columns(CellKind.TEXT, names)


def _dates(names: str) -> tuple[ExportColumn, ...]:
    return _columns(CellKind.DATE, names)


def _numbers(names: str) -> tuple[ExportColumn, ...]:
    return _columns(CellKind.NUMBER, names)


def _amounts(names: str, currency: str = "currency", **more: Any) -> tuple[ExportColumn, ...]:
    return _columns(CellKind.AMOUNT, names, currency, **more)


_OWN: Final = "accounting_currency"
_LINE: Final = (
    *_texts("posting_type account partner party party_account settles currency"),
    *_amounts("debit credit"),
    *_amounts("accounting_debit accounting_credit", _OWN),
    *_texts("dimensions text rule"),
)
_CAUSE: Final = (*_texts("settlement.source settlement.id"), *_numbers("record"))
_CAUSED: Final = _texts("caused_by.source caused_by.id")
_OF_A_VOUCHER: Final = (
    *("company", "voucher", "ledger", "kind", "date", "document", "reference", "accounting_currency", "posted_at"),
    *("settlement", "record", "caused_by", "imported"),
)


def _lines_of(voucher: Row) -> Iterator[Row]:
    """A voucher as a row for each line, each with what the voucher says."""
    head = {name: voucher[name] for name in _OF_A_VOUCHER}
    yield from ({**head, **line} for line in voucher["lines"])


_UNSIGNED: Final = ("amount", "open", "open_accounting")
"""What the API has of a document without a sign."""


def _with_signs(document: Row) -> Iterator[Row]:
    """A document with the signs of its balance, debit positive, so that a column adds up to the balance of the accounts."""
    debits = is_debit(document["ledger"], document["kind"])
    yield {**document, **{name: signed(document[name], is_debit=debits) for name in _UNSIGNED}}


VOUCHERS: Final = Listing(
    "vouchers",
    (
        *_texts("company voucher ledger kind"),
        *_dates("date"),
        *_texts("document accounting_currency posted_at"),
        *_numbers("line"),
        *_LINE,
        *_texts("rule_title reference"),
        *_CAUSE,
        *_CAUSED,
        *_texts("imported.state imported.erp_number"),
    ),
    at_once=50,  # a voucher may have thousands of lines
    rows=_lines_of,
)
LINES: Final = Listing(
    "lines",
    (
        *_texts("company voucher"),
        *_numbers("line"),
        *_dates("date"),
        *_texts("ledger kind document accounting_currency"),
        *_LINE,
        *_CAUSE,
        *_texts("posted_at"),
        *_CAUSED,
        *_amounts("running", is_summed=False),
        *_amounts("accounting_running", _OWN, is_summed=False),
    ),
)
DOCUMENTS: Final = Listing(
    "documents",
    (
        *_texts("company document ledger currency kind party=party.id party_name=party.name account"),
        *_dates("date due_date"),
        *_numbers("age_days"),
        *_amounts("amount open"),
        *_texts(_OWN),
        *_amounts("open_accounting", _OWN),
        *_texts("state"),
        *_dates("reversed_on"),
        *_amounts("discount.amount"),
        *_dates("discount.until"),
        *_texts("reference text event.source event.id posted_at"),
    ),
    rows=_with_signs,
)
BALANCES: Final = Listing(
    "balances",
    (
        *_texts("company account posting_type partner currency accounting_currency"),
        *_dates("date"),
        *_amounts("opening debit credit closing"),
        *_amounts("accounting_opening accounting_debit accounting_credit accounting_closing", _OWN),
        *_dates("last_date"),
    ),
)
MATRIX: Final = Listing(
    "intercompany",
    (
        *_texts("company partner currency"),
        *_amounts("due_from due_to net"),
        *_texts(_OWN),
        *_amounts("accounting_due_from accounting_due_to accounting_net", _OWN),
        *_amounts("partner_due_from partner_due_to partner_net"),
        *_texts("partner_accounting_currency"),
        *_amounts("partner_accounting_due_from partner_accounting_due_to partner_accounting_net", "partner_accounting_currency"),
        *_texts("mirrored"),
        *_dates("last_date"),
        *_numbers("lines"),
    ),
)


def _side(name: str) -> tuple[ExportColumn, ...]:
    return (
        *_texts(f"{name}={name}.company {name}.voucher {name}.document"),
        *_amounts(f"{name}.due_from {name}.due_to"),
        *_texts(f"{name}.accounting_currency"),
        *_amounts(f"{name}.accounting_due_from {name}.accounting_due_to", f"{name}.accounting_currency"),
    )


PAIR: Final = Listing(
    "pair",
    (
        *_dates("date"),
        *_CAUSE,
        *_texts("ledger kind currency"),
        *_side("company"),
        *_side("partner"),
        *_amounts("difference"),
    ),
    of=(),
)
LISTINGS: Final = {listing.name: listing for listing in (VOUCHERS, DOCUMENTS, LINES, BALANCES, MATRIX, PAIR)}
"""What can be exported, by its name."""


class Totals:
    """What the amounts of a list add up to, per company and currency; never over currencies."""

    def __init__(self, listing: Listing) -> None:
        self._listing = listing
        self._summed = [column for column in listing.columns if column.kind is CellKind.AMOUNT and column.is_summed]
        self._sums: dict[tuple[str, str, str], Decimal] = {}
        self.rows = 0

    def add(self, row: Row) -> None:
        """Takes in a row of cells."""
        self.rows += 1
        of = str(at(row, self._listing.of) or "") if self._listing.of else ""
        for column in self._summed:
            amount = column.value(row)
            if amount is not None:
                key = (of, str(at(row, column.currency)), column.name)
                self._sums[key] = self._sums.get(key, Decimal(0)) + Decimal(amount)

    def __iter__(self) -> Iterator[tuple[str, str, str, Decimal]]:
        """Company, currency, heading, and the sum."""
        order = {column.name: place for place, column in enumerate(self._summed)}
        for of, currency, name in sorted(self._sums, key=lambda key: (key[0], key[1], order[key[2]])):
            yield of, currency, name, self._sums[of, currency, name]
