"""The SQL of step 8's order: pages of the open documents of one side of an account, as they settle.

Invariant: the order is that of `rules/run/order.py`, on the same figures and to the last digit; a test holds them equal on
random documents.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from decimal import Decimal
from fractions import Fraction
from typing import Any, Final, NamedTuple

import orjson

from services.settlement.rules.open_documents import SettlingOrder
from services.settlement.rules.run.cash_discount import CashDiscountTerms
from services.settlement.rules.values import CREDIT_NOTE, PAYMENT, Document, OpenPlace
from shared.delivery.ports import Connection
from shared.missing import Page
from shared.money import minor_unit

PAGE: Final = 20
"""So many open documents are read first; every further page is as large as all before it."""

_WHOLE: Final = Fraction(1)
_SIDES: Final = {PAYMENT: 1, CREDIT_NOTE: 2}

COLUMNS: Final = {
    "side": "smallint",
    "kind": "text",
    "due_date": "date",
    "date": "date",
    "amount": "numeric",
    "open": "numeric",
    "net": "numeric",
    "credits": "text",
    "tiers": "json",
}


def columns_of(document: Document) -> tuple[Any, ...]:
    """What orders a document, in the columns' order."""
    about = (document.kind, document.due_date, document.date, document.amount, document.open, document.net, document.credits)
    return (_SIDES.get(document.kind, 0), *about, _tiers(document))


def _tiers(document: Document) -> str | None:
    """The cash discounts as [last day, percent, amount]; None without any."""
    if not document.discounts:
        return None
    terms = CashDiscountTerms(document.discounts, document.date, document.amount, _WHOLE)
    return orjson.dumps([[terms.last_date(tier), _text(tier.percent), _text(tier.amount)] for tier in terms.tiers]).decode()


def _text(amount: Decimal | None) -> str | None:
    return None if amount is None else str(amount)


# The statement of an order

_PAGE: Final = """
select array(
    select f.body from ({plain} union all {with_terms}) f order by {by} offset k.after limit k.most
) as bodies
from unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::date[], $6::numeric[], $7::int[], $8::int[])
with ordinality as k (ledger, company, account, currency, dated, units, after, most, number) order by k.number"""
_FOUND: Final = """
    (select {columns}, d.body from documents d{joins}
    where d.ledger = k.ledger and d.company = k.company and d.account = k.account and d.currency = k.currency
    and d.automatic and d.side {side} and {which} order by {by} limit k.after + k.most)"""
_WHICH: Final = {"plain": "d.tiers is null and d.credits is null", "with_terms": "(d.tiers is not null or d.credits is not null)"}
"""Documents without terms stand in the default order in an index of their own, and only so many of them are read as are asked for."""
_CREDITED: Final = """
    left join documents c on c.ledger = d.ledger and c.company = d.company and c.document = d.credits and d.kind = 'credit_note'"""
_TIER: Final = """
    left join lateral (
        select (e.tier->>0)::date as until, (e.tier->>1)::numeric as percent, (e.tier->>2)::numeric as part
        from json_array_elements({tiers}) with ordinality as e (tier, place)
        where e.tier->>0 is null or (e.tier->>0)::date >= k.dated order by e.place limit 1
    ) t on true"""
"""The first tier that the date of the run still reaches; without one, nothing."""


def _saved(order: SettlingOrder, *, lowers: bool) -> str | None:
    """What the terms save, in minor units: the share of what is open, half up, at most all; None: nothing is saved."""
    if lowers and not order.for_credit_notes:
        return None
    base = "d.amount" if order.is_gross else "d.net"
    whole = "case when c.document is null then d.amount else c.amount end" if lowers else "d.amount"
    units = "d.open * k.units"
    by_percent = f"div(2 * {units} * t.percent * {base} + 100 * d.amount, 200 * d.amount)"
    by_amount = f"div(2 * {units} * t.part + {whole}, 2 * {whole})"
    return f"greatest(0, least({units}, coalesce({by_percent}, {by_amount}, 0))) * (d.side <> 1)::int"


class _Key(NamedTuple):
    """By what documents are ordered; `plain`: the same for those without terms, None if it is one for all of them."""

    of: str
    plain: str | None
    is_descending: bool = False

    @property
    def direction(self) -> str:
        """As it is said after an expression."""
        return " desc" if self.is_descending else ""


_NEVER: Final = "date '9999-12-31'"
_BY_PRIORITY: Final = {
    "transaction_date": _Key("d.date", "d.date"),
    "due_date": _Key("d.due_date", "d.due_date"),
    "transaction_amount": _Key("d.amount", "d.amount"),
    "cash_discount_date": _Key(f"coalesce(t.until, {_NEVER})", None),
    "voucher": _Key("d.document", "d.document"),
}


def _by_kind(kinds: tuple[str, ...], number: int) -> _Key:
    place = f"coalesce(array_position(${number}::text[], d.kind), {len(kinds) + 1})"
    return _Key(place, place)


def _keys(order: SettlingOrder, *, lowers: bool) -> list[_Key]:
    """What the documents of one side are ordered by, the first first; the lists of kinds are the arguments from $9 on."""
    keys = [_Key("d.side", "d.side")] if lowers else []
    arguments = 8
    for attribute, direction in order.priority:
        if isinstance(direction, tuple):
            arguments += 1
            keys.append(_by_kind(direction, arguments))
        else:
            keys.append(_BY_PRIORITY[attribute]._replace(is_descending=direction == "descending"))
    if not order.priority:
        saved = _saved(order, lowers=lowers)
        keys += [_BY_PRIORITY["due_date"], *([_Key(saved, None, is_descending=True)] if saved else []), _BY_PRIORITY["transaction_date"]]
    return [*keys, _BY_PRIORITY["voucher"]]


def _statement(order: SettlingOrder, *, lowers: bool) -> str:
    """The statement of an order: documents without terms and those with them, each in order, and the first of both."""
    keys, side = _keys(order, lowers=lowers), "> 0" if lowers else "= 0"
    constant = {key: _NEVER if "until" in key.of else "0::numeric" for key in keys if key.plain is None}
    plain = _FOUND.format(
        columns=_columns([key.plain or constant[key] for key in keys]),
        joins="",
        side=side,
        which=_WHICH["plain"],
        by=", ".join(key.plain + key.direction for key in keys if key.plain is not None),
    )
    with_terms = _FOUND.format(
        columns=_columns([key.of for key in keys]),
        joins=_joins(order, lowers=lowers) if constant else "",
        side=side,
        which=_WHICH["with_terms"],
        by=", ".join(key.of + key.direction for key in keys),
    )
    by = ", ".join(f"f.key_{number}{key.direction}" for number, key in enumerate(keys))
    return _PAGE.format(plain=plain, with_terms=with_terms, by=by)


def _columns(expressions: list[str]) -> str:
    return ", ".join(f"{expression} as key_{number}" for number, expression in enumerate(expressions))


def _joins(order: SettlingOrder, *, lowers: bool) -> str:
    """The tier that counts: of the document's own terms, or of those of the document that a credit note credits (C16)."""
    if lowers and order.for_credit_notes:
        return _CREDITED + _TIER.format(tiers="case when c.document is null then d.tiers else c.tiers end")
    return _TIER.format(tiers="d.tiers")


class FoundPage(NamedTuple):
    """The bodies of a page's documents, in order, and whether there are no more."""

    page: Page
    bodies: list[str]
    are_all: bool


async def fetch_pages(connection: Connection, pages: Iterable[Page]) -> list[FoundPage]:
    """The documents of these pages: one statement for each order."""
    found: list[FoundPage] = []
    for (order, lowers), group in _by_order(pages).items():
        statement = _statement(order, lowers=lowers)
        kinds = [list(direction) for _, direction in order.priority if isinstance(direction, tuple)]
        columns = [list(column) for column in zip(*map(_arguments, group), strict=True)]
        rows = await connection.fetch(statement, *columns, *kinds)
        found += [FoundPage(page, row["bodies"], len(row["bodies"]) < _most(page)) for page, row in zip(group, rows, strict=True)]
    return found


def _by_order(pages: Iterable[Page]) -> dict[tuple[SettlingOrder, bool], list[Page]]:
    """Pages of which the statement is the same: place and date are its arguments."""
    groups: dict[tuple[SettlingOrder, bool], list[Page]] = {}
    for page in pages:
        place, order = _place_and_order(page)
        groups.setdefault((order._replace(on=dt.date.min), place.lowers), []).append(page)
    return groups


def _place_and_order(page: Page) -> tuple[OpenPlace, SettlingOrder]:
    place, order = page.place, page.order
    if not isinstance(place, OpenPlace) or not isinstance(order, SettlingOrder):
        msg = f"{page} is not a page of open documents"
        raise TypeError(msg)
    return place, order


def _arguments(page: Page) -> tuple[Any, ...]:
    place, order = _place_and_order(page)
    return (place.ledger, place.company, place.account, place.currency, order.on, 1 / minor_unit(place.currency), page.after, _most(page))


def _most(page: Page) -> int:
    """How many documents a page has at most."""
    return max(PAGE, page.after)
