"""`/v1/readiness/pair`: whether two companies are ready to settle with each other."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Literal

from fastapi import APIRouter, Query, Request
from pydantic import BaseModel, Field

from services.desk.readiness import NeededThing, PairQuestion, is_ready, pair_readiness
from services.web.access.may import Reader
from services.web.book_models import One, PartyModel
from services.web.models import ADay, Key
from services.web.parameters import wrong_parameters
from services.web.problems import Fault
from services.web.reading import answered, as_of_now, missing, today
from shared.money import CURRENCIES

if TYPE_CHECKING:
    from starlette.responses import Response

    from services.web.access.roles import Actor
    from services.web.ports import WebPorts

router = APIRouter(tags=["work"])


class NeededModel(BaseModel):
    """Something that a settlement needs."""

    company: str = Field(description="In whose books.")
    reason: str = Field(
        alias="for", description="What kind of thing, as what waits for it says; `member`: of centralized payments, else it is refused."
    )
    key: dict[str, str] = Field(description="Which one.")
    there: bool = Field(description="Whether it is there.")
    needed: Literal["always", "across-currencies", "with-this-profile", "by-this-method", "of-intercompany-invoices"] = Field(
        description="`across-currencies`: only where a discount or difference is converted. `with-this-profile`, `by-this-method`: where "
        "the payment has it. `of-intercompany-invoices`: where the invoices name the seller's."
    )
    found: list[str] = Field(description="What is there: accounts, a rate. Not of companies out of scope.")


class PairReadinessModel(BaseModel):
    """Whether two companies are ready to settle with each other."""

    payer: str = Field(description="The company whose payment it is.")
    owner: str = Field(description="The company whose document is settled.")
    ledger: str = Field(description="receivable or payable.")
    party: PartyModel = Field(description="The party of both documents.")
    currency: str = Field(description="The currency of both documents.")
    date: str = Field(description="The day of the payment.")
    ready: bool = Field(description="Whether nothing is missing that is always needed.")
    needs: list[NeededModel] = Field(description="Each thing that is needed, in the order in which it would be missed.")


@router.get("/v1/readiness/pair", response_model=One[PairReadinessModel], summary="Whether two companies are ready to settle")
async def pair_ready(  # noqa: PLR0913 - what a settlement depends on
    request: Request,
    actor: Reader,
    payer: Annotated[Key, Query(description="The company whose payment it is.")],
    owner: Annotated[Key, Query(description="The company whose document is settled; may be the same.")],
    ledger: Annotated[Literal["receivable", "payable"], Query(description="The ledger of both documents.")],
    party: Annotated[Key, Query(description="The party of both.")],
    currency: Annotated[Key, Query(description="The currency of both, by ISO 4217.", json_schema_extra={"enum": sorted(CURRENCIES)})],
    date: Annotated[ADay | None, Query(description="The day of the payment. Default: today.")] = None,
) -> Response:
    """Members, party accounts, both directions of intercompany accounting, rates, profiles, methods, periods, trading relations."""
    if currency not in CURRENCIES:
        raise wrong_parameters([Fault("/currency", "parameter-invalid", "it is a currency of ISO 4217, such as EUR")])
    if not actor.sees(payer, owner):
        missing("company")
    ports: WebPorts = request.app.state.ports
    reference = await ports.reference.current()
    asked = PairQuestion(payer, owner, ledger, party, currency, date or today(request))
    needs = pair_readiness(reference, asked)
    known = reference.parties.get(party)
    row = {
        "payer": payer,
        "owner": owner,
        "ledger": ledger,
        "party": {"id": party, "name": None if known is None else known.name},
        "currency": currency,
        "date": asked.date.isoformat(),
        "ready": is_ready(needs),
        "needs": [_row(thing, actor) for thing in needs],
    }
    return answered({"data": row, "read_to": as_of_now(request)})


def _row(thing: NeededThing, actor: Actor) -> dict[str, Any]:
    row = thing.as_row()
    return row if actor.sees(thing.company) else {**row, "found": []}
