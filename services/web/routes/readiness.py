"""`/v1/readiness/pair`: whether two companies are ready to settle with each other."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Final, Literal

from fastapi import APIRouter, Query, Request
from pydantic import BaseModel, Field

from services.desk.readiness import OF_INTERCOMPANY_INVOICES, NeededThing, PairQuestion, is_ready, pair_readiness
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
    key: dict[str, str] = Field(description="Which one; of what is of companies out of scope only what the question says.")
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
        "needs": [row_of(thing, asked, actor) for thing in needs if is_shown(thing, asked, actor)],
    }
    return answered({"data": row, "read_to": as_of_now(request)})


_ASKED_FOR: Final = frozenset({"company", "partner", "ledger", "party", "from", "to", "date"})
"""What of a key the question itself says, or every reader sees."""
_OF_PAYER: Final = frozenset({"posting-profile", "method-of-payment"})
"""Reasons whose keys are names that the payer's reference data have."""


def is_shown(thing: NeededThing, asked: PairQuestion, actor: Actor) -> bool:
    """Whether this reader sees that it is needed: with whom else a company trades only those two see."""
    relation = (thing.key.get("seller"), thing.key.get("buyer"))
    return thing.when != OF_INTERCOMPANY_INVOICES or actor.sees(thing.company, *relation) or thing.company in asked.companies


def row_of(thing: NeededThing, asked: PairQuestion, actor: Actor) -> dict[str, Any]:
    """What is needed as this reader sees it: names that another company's reference data have are not said."""
    row = thing.as_row()
    names_of = {asked.payer} if thing.reason in _OF_PAYER else {thing.company, thing.key.get("seller"), thing.key.get("buyer")}
    key = thing.key if actor.sees(*names_of) else {name: value for name, value in thing.key.items() if name in _ASKED_FOR}
    return {**row, "key": key, "found": row["found"] if actor.sees(thing.company) else []}
