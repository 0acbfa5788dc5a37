"""Dates that questions are asked for: `date`, what is dated on or before it; `known_at`, only what was posted by then.

Both together: what was known then about that day, so that a report can be given again as it was.

Invariant: open at a date is the amount less what the takes in force then took; of what was not touched since (by accounting date, or by
posting for `known_at`) that is what is open now. So it costs what is open and what happened since, not what ever was.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Final

EVER: Final = dt.date.max
"""Later than every date, in PostgreSQL too: it is sent as `infinity`."""
ALWAYS: Final = dt.datetime.max  # noqa: DTZ901 - the driver sends this very value, which has no zone, as `infinity`
"""Later than every time."""


@dataclass(frozen=True, slots=True)
class AsOf:
    """`date`: accounting date, inclusive; None: whatever the date. `known_at`: time of posting, inclusive; None: now."""

    date: dt.date | None = None
    known_at: dt.datetime | None = None

    @property
    def arguments(self) -> tuple[dt.date, dt.datetime]:
        """Both for SQL, where comparing with them always has an answer."""
        return self.date or EVER, self.known_at or ALWAYS


NOW: Final = AsOf()
"""What the books say now, whatever its date."""

TOUCHED: Final = """
select ledger, company, document from documents where reversed_on > {date} and company = any({companies})
union select ledger, company, document from documents where reversed_at > {known_at} and company = any({companies})
union select ledger, company, document from takes where date > {date} and company = any({companies})
union select ledger, company, document from takes where reversed_on > {date} and company = any({companies})
union select ledger, company, document from takes where posted_at > {known_at} and company = any({companies})
union select ledger, company, document from takes where reversed_at > {known_at} and company = any({companies})"""
"""Keys of the documents of which something happened since. A reversed document has nothing open now: what reversed it touched it."""

UNTOUCHED: Final = """
not exists (select from touched t where t.ledger = d.ledger and t.company = d.company and t.document = d.document)"""
"""Whether of a document `d` nothing happened since: it is none of the keys `touched`, so what is open of it now was open then."""

THEN: Final = """
cross join lateral (
    select coalesce(sum(t.amount), 0) as amount, coalesce(sum(t.value), 0) as value from takes t
    where t.ledger = d.ledger and t.company = d.company and t.document = d.document
    and t.date <= {date} and t.posted_at <= {known_at}
    and (t.reversed_on is null or t.reversed_on > {date} or t.reversed_at > {known_at})
) as taken
cross join lateral (select coalesce(d.reversed_on <= {date} and d.reversed_at <= {known_at}, false) as is_reversed) as reversal
cross join lateral (
    select case when is_reversed then 0 else d.amount end - taken.amount as open_then,
    case when is_reversed then 0 else d.accounting_amount end - taken.value as open_accounting_then
) as balance"""
"""Beside a document `d`: what was open of it then (open_then, open_accounting_then), and whether it was reversed (is_reversed)."""

OF_KEYS: Final = """
cross join lateral (
    select * from documents d where d.ledger = k.ledger and d.company = k.company and d.document = k.document offset 0
) as d"""
"""The documents `d` of keys `k`, each by its key: with `offset 0` the planner does not make of it a join that reads the whole table."""

THERE: Final = "d.date <= {date} and d.posted_at <= {known_at}"
"""Whether a document `d` was there then."""
