"""The operations of the API: one router per subject.

Invariant: a router is in the application by standing in this list; each operation names the role that it needs (`Reader` …).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from services.web.routes import (
    actions,
    aging,
    balances,
    companies,
    documents,
    events,
    feed,
    flow,
    intercompany,
    mending,
    orders,
    readiness,
    reference,
    reference_writing,
    refusal,
    rules,
    search,
    settlements,
    simulate,
    trace,
    vouchers,
    work,
)

if TYPE_CHECKING:
    from fastapi import APIRouter

ROUTERS: Final[tuple[APIRouter, ...]] = (
    *(events.router, simulate.router, rules.router, companies.router, vouchers.router, feed.router, documents.router, aging.router),
    *(balances.router, intercompany.router, settlements.router, trace.router, search.router, reference.router),
    *(work.router, refusal.router, mending.router, orders.router, actions.router, reference_writing.router, readiness.router, flow.router),
)
STREAMS: Final = frozenset({flow.STREAM})
"""The paths that answer with a stream of events in place of JSON."""
