"""The services, in the order in which the simulation hands a message to them: the three that post, and the one that can be asked."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from services.inquiry.service import SERVICE as INQUIRY
from services.payment.service import SERVICE as PAYMENT
from services.posting.service import SERVICE as POSTING
from services.settlement.service import SERVICE as SETTLEMENT

if TYPE_CHECKING:
    from shared.delivery.service import AnyService

__all__ = ["INQUIRY", "PAYMENT", "POSTING", "PROCESSES", "SERVICES", "SETTLEMENT"]

SERVICES: Final[tuple[AnyService, ...]] = (PAYMENT, SETTLEMENT, POSTING)
"""The three that post: all that happens in the books happens with them alone."""
PROCESSES: Final[tuple[AnyService, ...]] = (*SERVICES, INQUIRY)
"""All that can be run; inquiry is optional."""
