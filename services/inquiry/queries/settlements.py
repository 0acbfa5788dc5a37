"""Settlement records, and the runs that made them.

Invariant: a record is spelled as everywhere (shared.rows.settlement_row), has its number and state beside it, and what decided it.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal

import orjson

from services.inquiry.queries.companies import scope
from services.inquiry.queries.pages import PageOfRows, PageWanted, read_page
from shared.events.vouchers import voucher_number
from shared.reference import RECEIVABLE
from shared.rows import instant, settlement_row

if TYPE_CHECKING:
    from shared.delivery.ports import Connection

Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class SettlementSelection:
    """Which records: None selects all. `companies`: one of the record's two documents is in one of them."""

    companies: tuple[str, ...] | None = None
    party: str | None = None
    document: str | None = None
    from_: dt.date | None = None
    to: dt.date | None = None
    state: Literal["in_force", "reversed"] | None = None


_FILTERS: Final = """
(r.lowering_company = any($1) or r.raising_company = any($1)) and ($2::text is null or r.party = $2)
and ($3::text is null or r.lowering_document = $3 or r.raising_document = $3) and r.date >= $4 and ($7::text[] is not null or r.date <= $5)
and ($6::text is null or ($6 = 'reversed') = (r.reversed_on is not null))
and ($7::text[] is null or (r.date, r.run_id, r.run_source, r.ledger, r.number)
< (($7::text[])[1]::date, ($7::text[])[2], ($7::text[])[3], ($7::text[])[4], ($7::text[])[5]::int))"""
_ORDER: Final = "r.date desc, r.run_id desc, r.run_source desc, r.ledger desc, r.number desc"
_ALONG: Final = f"select r.*, r.why::text as decided from records r where {_FILTERS} order by {_ORDER} limit $8"
_OF_DOCUMENT: Final = f"""
select r.*, r.why::text as decided from (
    select run_id, run_source, ledger, number from records where lowering_document = $3
    union select run_id, run_source, ledger, number from records where raising_document = $3
) as k join records r using (run_id, run_source, ledger, number) where {_FILTERS} order by {_ORDER} limit $8"""
_OF_RUN: Final = """
select r.*, r.why::text as decided from records r where r.run_id = $1 and ($2::text is null or r.run_source = $2)
order by r.run_source, r.ledger, r.number"""
_VOUCHERS: Final = """
select run_source, company, series, number, kind, date, posted_at from vouchers where run_id = $1 and ($2::text is null or run_source = $2)
order by posted_at, company, series, number"""


async def settlements(connection: Connection, selection: SettlementSelection, page: PageWanted) -> PageOfRows:
    """The selected records, the newest date first; a row's place: date, run's id and source, ledger, number."""
    shown = await read_page(
        connection,
        page,
        _ALONG if selection.document is None else _OF_DOCUMENT,
        await scope(connection, selection.companies),
        selection.party,
        selection.document,
        selection.from_ or dt.date.min,
        selection.to or dt.date.max,
        selection.state,
        page.texts(5),
        place=lambda each: (each["date"].isoformat(), each["run_id"], each["run_source"], each["ledger"], each["number"]),
    )
    return PageOfRows([record_row(record) for record in shown.records], shown.after, shown.total)


async def settlement(connection: Connection, id_: str, source: str | None = None) -> list[Row]:
    """The runs with this id, of this source: their records, reversed ones too, and their vouchers in all companies."""
    records = await connection.fetch(_OF_RUN, id_, source)
    vouchers = await connection.fetch(_VOUCHERS, id_, source)
    return [
        {
            "settlement": {"source": run, "id": id_},
            "records": [record_row(each) for each in records if each["run_source"] == run],
            "vouchers": [_voucher(each) for each in vouchers if each["run_source"] == run],
        }
        for run in sorted({each["run_source"] for each in (*records, *vouchers)})
    ]


def record_row(record: Any) -> Row:
    """A row of the table as it is shown; its `why` is what decided it, null where nothing was said."""
    sides = (record["lowering_company"], record["lowering_document"]), (record["raising_company"], record["raising_document"])
    if (record["ledger"] == RECEIVABLE) != record["enlarges"]:
        sides = sides[1], sides[0]
    lowering, raising = record["lowering_currency"], record["raising_currency"]
    amounts = {
        "amount": (record["amount"], lowering),
        "cash_discount": (record["cash_discount"], raising),
        "credit_note_discount": (record["credit_note_discount"], raising if record["enlarges"] else lowering),
        "overpayment": (record["overpayment"], lowering),
        "underpayment": (record["underpayment"], raising),
        "penny_difference": (abs(record["penny_difference"]), record["penny_currency"] or lowering),
        "realized_gain": (record["realized_gain"], record["gain_currency"]),
    }
    primary = {"company": record["primary_company"], "document": record["primary_document"]}
    return {
        **settlement_row(record["run_id"], record["ledger"], record["date"], sides, amounts),
        "source": record["run_source"],
        "record": record["number"],
        "party": record["party"],
        "primary": primary if record["primary_document"] is not None else None,
        "reversed_on": record["reversed_on"].isoformat() if record["reversed_on"] else None,
        "why": orjson.loads(record["decided"]) if record["decided"] else None,
        "posted_at": instant(record["posted_at"]),
        "caused_by": {"source": record["first_source"], "id": record["first_id"]},
    }


def _voucher(record: Any) -> Row:
    return {
        "company": record["company"],
        "voucher": voucher_number(record["series"], record["number"]),
        "kind": record["kind"],
        "date": record["date"].isoformat(),
        "posted_at": instant(record["posted_at"]),
    }
