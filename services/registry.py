"""The three services, in the order in which the simulation hands a message to them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from services.payment.service import SERVICE as PAYMENT
from services.posting.service import SERVICE as POSTING
from services.settlement.service import SERVICE as SETTLEMENT

if TYPE_CHECKING:
    from shared.delivery.service import AnyService

__all__ = ["PAYMENT", "POSTING", "SERVICES", "SETTLEMENT"]

SERVICES: Final[tuple[AnyService, ...]] = (PAYMENT, SETTLEMENT, POSTING)
