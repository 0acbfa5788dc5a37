"""Our own events as version 0.1 wrote them, read as they are written now.

Invariant: only names differ, no value is changed, and what is written now is left as it is; so what stands on
`intercompany.journals` and `intercompany.settlements`, or in a table `outbox`, when the services are upgraded loses nothing.

Topics keep their records for ever by default, and a service reads them from its position: this stays until 1.0, whose
upgrade starts from 0.2 or newer.
"""

from __future__ import annotations

from typing import Any, Final

import orjson

from shared.events.journals import SalesPaymentJournal, SalesPaymentsReply
from shared.events.settlements import SettlementPosted

_OF_REPLIES: Final = {"answers": "reply_count"}
_OF_RUNS: Final = {
    "answer": "reply_expected",
    "value": "accounting_amount",
    "posted_value": "posted_accounting_amount",
    "lowering_value": "accounting_amount_in_payment_company",
    "raising_value": "accounting_amount_in_invoice_company",
    "left": "remainder",
    "lacking": "shortfall",
}
_RENAMED: Final[dict[type, dict[str, str]]] = {
    SalesPaymentJournal: _OF_REPLIES,
    SalesPaymentsReply: _OF_REPLIES,
    SettlementPosted: _OF_RUNS,
}
"""Of each class with fields that were renamed since 0.1: the old name and the new one."""
_NAMED_BY_OTHERS: Final = "dimensions"
"""What is in an object under this name has keys that are not the contract's."""


def renamed(class_: type, data: bytes) -> bytes | None:
    """The data of one of our own events of 0.1 under the names of now; None if nothing of its class was renamed, or it is not JSON."""
    names = _RENAMED.get(class_)
    if names is None:
        return None
    try:
        return orjson.dumps(_with(names, orjson.loads(data)))
    except (orjson.JSONDecodeError, orjson.JSONEncodeError):
        return None


def _with(names: dict[str, str], value: Any) -> Any:
    if isinstance(value, list):
        return [_with(names, each) for each in value]
    if isinstance(value, dict):
        return {names.get(name, name): each if name == _NAMED_BY_OTHERS else _with(names, each) for name, each in value.items()}
    return value
