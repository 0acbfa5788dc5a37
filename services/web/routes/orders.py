"""Sales payment journals approved, settlements and payments reversed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

from fastapi import APIRouter, Request
from pydantic import BaseModel, ConfigDict, Field, model_validator

from services.operations import orders
from services.operations.orders import DocumentKey
from services.web.access.may import Approver, Operator
from services.web.models import ADay, mistake
from services.web.models import Key as Name
from services.web.writing import ACTED, ActedModel, Key, Reasoned, Writing
from shared.events.envelope import EventRef

if TYPE_CHECKING:
    from starlette.responses import Response

    from services.desk.actions.rules import Draft

router = APIRouter(tags=["orders"])

LedgerName = Annotated[Literal["receivable", "payable"], Field(description="In which ledger.")]
On = Annotated[ADay | None, Field(description="The date of the reversal; by default that of what is reversed.")]


class JournalToApprove(Reasoned):
    """A sales payment journal that was only created."""

    company: Name = Field(description="The seller's company.")
    document: Name = Field(description="The journal's number.")


class PaymentName(BaseModel):
    """A document, by company and number."""

    model_config = ConfigDict(extra="forbid")

    company: Name = Field(description="Its company.")
    document: Name = Field(description="Its number.")


class SettlingEvent(BaseModel):
    """An event, by its names."""

    model_config = ConfigDict(extra="forbid")

    source: Name = Field(description="Its source.")
    id: Name = Field(description="Its id.")


class SettlementToReverse(Reasoned):
    """What one event settled, or what a payment has settled."""

    ledger: LedgerName
    settlement: SettlingEvent | None = Field(default=None, description="The event that settled: the payment's, or a request.")
    payment: PaymentName | None = Field(default=None, description="In place of it: a payment, all of whose settlements are reversed.")
    date: On = None

    @model_validator(mode="after")
    def _one_of_both(self) -> SettlementToReverse:
        if (self.settlement is None) == (self.payment is None):
            raise mistake(kind="either", one="settlement", other="payment")
        return self


class PaymentToReverse(Reasoned):
    """A payment."""

    ledger: LedgerName
    company: Name = Field(description="Its company.")
    document: Name = Field(description="Its number.")
    date: On = None


@router.post("/v1/journals/approve", status_code=202, responses=ACTED, response_model=ActedModel, summary="Approve a journal")
async def approve_journal(request: Request, actor: Approver, body: JournalToApprove, key: Key = None) -> Response:
    """A sales payment journal that was only created is posted (`journal-approval.requested`)."""
    actor.acts_for([body.company])
    writing = Writing(request, actor, key, body)
    return await writing.act(
        lambda action: orders.drafted_approval(writing.ports.schemas, body.company, body.document, writing.ordered(action))
    )


@router.post("/v1/settlements/reverse", status_code=202, responses=ACTED, response_model=ActedModel, summary="Reverse settlements")
async def reverse_settlement(request: Request, actor: Operator, body: SettlementToReverse, key: Key = None) -> Response:
    """What one event or one payment settled, in all companies (`settlement-reversal.requested`); with four eyes a proposal."""
    if body.payment is not None:
        actor.acts_for([body.payment.company])
    writing = Writing(request, actor, key, body)

    async def draft(action: str) -> Draft:
        ordered, schemas = writing.ordered(action), writing.ports.schemas
        if body.settlement is not None:
            event = EventRef(body.settlement.source, body.settlement.id)
            return await orders.drafted_settlement_reversal(schemas, body.ledger, event, body.date, ordered, actor.sees)
        payment = body.payment or PaymentName(company="", document="")
        key_ = DocumentKey(body.ledger, payment.company, payment.document)
        return await orders.drafted_payment_settlement_reversal(schemas, key_, body.date, ordered)

    return await writing.act(draft)


@router.post("/v1/payments/reverse", status_code=202, responses=ACTED, response_model=ActedModel, summary="Reverse a payment")
async def reverse_payment(request: Request, actor: Operator, body: PaymentToReverse, key: Key = None) -> Response:
    """A payment that was not made, once what it settled is reversed (`payment-reversal.requested`); with four eyes a proposal."""
    actor.acts_for([body.company])
    writing = Writing(request, actor, key, body)
    document = DocumentKey(body.ledger, body.company, body.document)
    return await writing.act(
        lambda action: orders.drafted_payment_reversal(writing.ports.schemas, document, body.date, writing.ordered(action))
    )
