"""Sales payment journals: what the payment service created in sellers' companies for vendor payments of buyers.

Invariant: as everywhere, one whose document is not in the seller's books (it waits there) is shown as only created; `status` selects
by what the payment service decided.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from services.inquiry.queries.companies import scope
from services.inquiry.queries.pages import PageOfRows, PageWanted, read_page
from shared.rows import instant, journal_row

if TYPE_CHECKING:
    from shared.delivery.ports import Connection

Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class JournalSelection:
    """Which journals: of these sellers; `status`: created, posted, reversed or refused; `document`: with this number."""

    companies: tuple[str, ...] | None = None
    status: str | None = None
    document: str | None = None


BOOKED: Final = """
coalesce((
    select true from documents d where d.ledger = 'receivable' and d.company = j.company and d.document = j.document limit 1
), false)"""
_JOURNALS: Final = f"""
select j.*, {BOOKED} as booked from unnest($1::text[]) as c (company) cross join lateral (
    select j.* from journals j where j.company = c.company and ($2::text is null or j.status = $2)
    and ($3::text is null or j.document = $3)
    and ($4::text[] is null or (j.company, j.document) > (($4::text[])[1], ($4::text[])[2])) order by j.document limit $5
) as j order by j.company, j.document limit $5"""


async def journals(connection: Connection, selection: JournalSelection, page: PageWanted) -> PageOfRows:
    """The selected journals by seller's company and document."""
    shown = await read_page(
        connection,
        page,
        _JOURNALS,
        await scope(connection, selection.companies),
        selection.status,
        selection.document,
        page.texts(2),
        place=lambda each: (each["company"], each["document"]),
    )
    return PageOfRows([shown_journal(record) for record in shown.records], shown.after, shown.total)


def shown_journal(record: Any) -> Row:
    """A row of the table with `booked` as it is shown, and where it comes from."""
    status = "created" if record["status"] == "posted" and not record["booked"] else record["status"]
    row = journal_row(
        (record["company"], record["document"]),
        record["journal"],
        status,
        record["date"],
        (record["amount"], record["currency"]),
        (record["payer_company"], record["payer_document"]),
        record["reference"],
    )
    approved = {"source": record["approval_source"], "id": record["approval_id"]} if record["approval_id"] else None
    return {
        **row,
        "account": record["account"],
        "caused_by": {"source": record["payer_source"], "id": record["payer_id"]},
        "settlement": {"source": record["run_source"], "id": record["run_id"]},
        "approval": approved,
        "changed_at": instant(record["changed_at"]),
    }
