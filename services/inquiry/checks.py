"""Whether the books that can be asked agree with themselves, and a digest to compare them with others by.

Invariant: the identities hold for any date once the service has read everything; nothing is mended here, only shown. The digest
is of what was said, not of when: two projections of the same topics have the same, in whatever order they were read.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from services.inquiry.rules.projection import KEYS

if TYPE_CHECKING:
    from decimal import Decimal

    from shared.delivery.ports import Connection

Row = dict[str, Any]

MOST_SHOWN: Final = 100
"""Rows of an identity that do not agree; the first ones are enough to see what is wrong."""

_IN_FORCE: Final = "{0}.date <= $1 and ({0}.reversed_on is null or {0}.reversed_on > $1)"
_OPEN_IS_LEDGER: Final = f"""
with opened as (
    select company, ledger, sum(amount) as amount from (
        select d.company, d.ledger, d.sign * d.accounting_amount as amount from documents d where {_IN_FORCE.format("d")}
        union all
        select t.company, t.ledger, -d.sign * t.value from takes t join documents d using (ledger, company, document)
        where {_IN_FORCE.format("t")}) parts
    group by company, ledger
), accounts as (
    select company, case posting_type when 'accounts_receivable' then 'receivable' else 'payable' end as ledger,
           sum(accounting_debit - accounting_credit) as amount
    from daily where date <= $1 and posting_type in ('accounts_receivable', 'accounts_payable') group by 1, 2
)
select company, ledger, coalesce(o.amount, 0) as open, coalesce(a.amount, 0) as accounts
from opened o full join accounts a using (company, ledger)
where coalesce(o.amount, 0) <> coalesce(a.amount, 0) order by company, ledger limit {MOST_SHOWN}"""  # noqa: S608 - our own names
_PAIRS_AGREE: Final = f"""
select least(company, partner) as company, greatest(company, partner) as partner, currency,
       coalesce(sum(debit - credit) filter (where company < partner), 0) as due_from_partner,
       coalesce(sum(credit - debit) filter (where company > partner), 0) as due_to_company
from daily where date <= $1 and partner <> '' group by 1, 2, 3 having sum(debit - credit) <> 0 order by 1, 2, 3 limit {MOST_SHOWN}"""  # noqa: S608 - our own names
_DEBIT_IS_CREDIT: Final = f"""
select company, currency, debit, credit from (
    select company, currency, sum(debit) as debit, sum(credit) as credit from daily where date <= $1 group by 1, 2
    union all
    select company, 'accounting', sum(accounting_debit), sum(accounting_credit) from daily where date <= $1 group by 1) sums
where debit <> credit order by company, currency limit {MOST_SHOWN}"""  # noqa: S608 - our own names
_KEPT_OPEN: Final = f"""
select ledger, company, document, open, open_accounting, left_open, left_accounting from (
    select d.ledger, d.company, d.document, d.open, d.open_accounting,
        case when d.reversed_on is null then d.amount else 0 end - coalesce(sum(t.amount), 0) as left_open,
        case when d.reversed_on is null then d.accounting_amount else 0 end - coalesce(sum(t.value), 0) as left_accounting
    from documents d left join takes t
        on t.ledger = d.ledger and t.company = d.company and t.document = d.document and t.reversed_on is null
    where $1::date is not null group by d.ledger, d.company, d.document) computed
where (open, open_accounting) <> (left_open, left_accounting) order by 1, 2, 3 limit {MOST_SHOWN}"""  # noqa: S608 - our own names

IDENTITIES: Final[dict[str, str]] = {
    "open documents are the receivable and payable accounts, in accounting currency": _OPEN_IS_LEDGER,
    "what A is due from B is what B is due to A, per currency": _PAIRS_AGREE,
    "debits are credits, per company and currency": _DEBIT_IS_CREDIT,
    "what is kept as open of a document is what settlement records leave of it": _KEPT_OPEN,
}

_ACCOUNTS: Final = """
select company, account, posting_type, partner, currency, sum(debit), sum(credit), sum(accounting_debit), sum(accounting_credit)
from daily group by 1, 2, 3, 4, 5"""
_COLUMNS: Final = """
select column_name, data_type from information_schema.columns
where table_schema = current_schema() and table_name = $1 order by ordinal_position"""
_ACCOUNT: Final = 5
_CLOCKS: Final = frozenset({"position", "last_offset", "from_time"})
"""Beside the columns that end in `_at`: what depends on when, and in which order, something was read."""

_BY_CLOCK: Final = frozenset({"between_days"})
"""Tables whose very rows depend on when something was posted; what they add up to is in between_months too."""


@dataclass(frozen=True, slots=True)
class IdentityCheck:
    """An identity, and the rows that differ; none if it holds."""

    name: str
    problems: list[Row]

    @property
    def holds(self) -> bool:
        """Whether it holds everywhere."""
        return not self.problems


async def check(connection: Connection, as_of: dt.date | None = None) -> list[IdentityCheck]:
    """All identities at the end of a day, or (None) of all that is posted; amounts are not rounded.

    While something is under way between the services, or inquiry has not read everything, an identity can fail for the moment.
    """
    day = as_of or dt.date.max
    return [IdentityCheck(name, [dict(row) for row in await connection.fetch(query, day)]) for name, query in IDENTITIES.items()]


async def accounts(connection: Connection) -> dict[tuple[str, ...], tuple[Decimal, ...]]:
    """By company, account, posting type, partner ('' for none) and currency: debits, credits, and both in accounting currency."""
    return {tuple(row)[:_ACCOUNT]: tuple(row)[_ACCOUNT:] for row in await connection.fetch(_ACCOUNTS)}


async def digest(connection: Connection) -> dict[str, str]:
    """Of each table the number of its rows and a digest of them that does not depend on their order."""
    return {table: await _digest(connection, table) for table in KEYS if table not in _BY_CLOCK}


async def _digest(connection: Connection, table: str) -> str:
    columns = [row for row in await connection.fetch(_COLUMNS, table) if _is_said(table, row["column_name"])]
    parts = ", ".join(_as_text(row["column_name"], row["data_type"]) for row in columns)
    query = f"select count(*), coalesce(sum(hashtextextended(json_build_array({parts})::text, 0)::numeric), 0) from {table}"  # noqa: S608
    count, total = await connection.fetchrow(query)
    return f"{count}/{int(total) & (1 << 64) - 1:016x}"


def _is_said(table: str, column: str) -> bool:
    """Whether a column is what was said; a reference event's place in its topic is."""
    return not column.endswith("_at") and (column not in _CLOCKS or (table, column) == ("reference_history", "position"))


def _as_text(column: str, type_: str) -> str:
    """Equal values have one text: an amount whatever its digits, JSON whatever its spelling."""
    if type_ == "numeric":
        return f'trim_scale("{column}")'
    return f'"{column}"::jsonb' if type_ == "json" else f'"{column}"'
