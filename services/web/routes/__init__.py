"""The operations of the API: one router per subject.

Invariant: a router is in the application by standing in this list; each operation names the role that it needs (`Reader` …).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from services.files.exports.columns import LISTINGS
from services.web.exporting import CSV, XLSX
from services.web.frame import EVENT_STREAM, JSON
from services.web.routes import (
    actions,
    aging,
    balances,
    companies,
    documents,
    events,
    feed,
    flow,
    imported,
    imports,
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
    *(
        events.router,
        imports.router,
        imported.router,
        simulate.router,
        rules.router,
        companies.router,
        vouchers.router,
        feed.router,
        documents.router,
        aging.router,
    ),
    *(balances.router, intercompany.router, settlements.router, trace.router, search.router, reference.router),
    *(work.router, refusal.router, mending.router, orders.router, actions.router, reference_writing.router, readiness.router, flow.router),
)
_FILES: Final = tuple(f"/v1/exports/{name}" for name in LISTINGS)
MEDIA: Final = {flow.STREAM: EVENT_STREAM} | dict.fromkeys(_FILES, f"{CSV}, {XLSX}")
"""The paths that answer with something else than JSON, and with what."""


def media_of(path: str) -> str:
    """With what a path answers; several are separated by commas."""
    return imported.ANY if imported.OF_A_FILE.fullmatch(path) else MEDIA.get(path, JSON)
