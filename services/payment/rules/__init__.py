"""The pure core of the payment service."""

from services.payment.rules.books import Books
from services.payment.rules.fold import fold
from services.payment.rules.giving_up import discard, expire
from services.payment.rules.journals import resume_released
from services.payment.rules.payments import refused_payment

__all__ = ["Books", "discard", "expire", "fold", "refused_payment", "resume_released"]
