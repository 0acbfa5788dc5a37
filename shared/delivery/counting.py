"""What became of a batch, in metrics and log: said once, when its transaction was committed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import structlog

from shared.events.attributes import headers_said
from shared.metrics import MESSAGES, REFUSALS
from shared.telemetry import named_in_logs

if TYPE_CHECKING:
    from collections.abc import Sequence

    from shared.delivery.folding import Defect, Folded

log = structlog.get_logger(__name__)


def count(service: str, records: int, folded: Folded, failures: Sequence[Defect]) -> None:
    """Counts a batch of so many records by what became of them, and logs what this program failed on."""
    outcomes = {"taken": folded.taken, "duplicate": folded.duplicates, "refused": len(folded.refusals), "failed": len(failures)}
    for outcome, number in {"seen": records, **outcomes}.items():
        MESSAGES.labels(service, outcome).inc(number)
    for refused in folded.refusals:
        REFUSALS.labels(service, refused.outgoing.data.code, refused.outgoing.data.scope).inc()
    for each in failures:
        place = {"topic": each.record.topic, "offset": each.record.offset, **named_in_logs(headers_said(each.record))}
        log.error("a message is kept in the table failed", **place, exc_info=each.error)
