"""`/v1/trace`: what came of something, and what it came of."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Literal

from fastapi import APIRouter, Query, Request
from pydantic import BaseModel, ConfigDict, Field

from services.desk.tracing import traced
from services.inquiry.queries.trace import TraceStart
from services.web.access.may import Reader
from services.web.access.scope import visible_graph
from services.web.book_models import SINGLE, TEXT, Document, Ledger, One
from services.web.frame import language_of
from services.web.languages import wrong
from services.web.parameters import wrong_parameters
from services.web.problems import Fault
from services.web.reading import books, missing, single

if TYPE_CHECKING:
    from starlette.responses import Response

    from services.web.ports import WebPorts

router = APIRouter(tags=["books"])


class NodeModel(BaseModel):
    """Something in the trace; beside these it has what its kind has. What is hidden of a company out of scope is null."""

    model_config = ConfigDict(extra="allow")

    id: str = Field(description="What edges name it by.")
    kind: Literal["event", "document", "journal", "settlement", "voucher"] = Field(description="What it is.")
    state: str = Field(description="`received`, `waiting`, `refused`, `posted`, `reversed`, `under way`, `created` or `unknown`.")


class EdgeModel(BaseModel):
    """From one thing to another."""

    from_: str = Field(alias="from", description="The node that it begins at.")
    to: str = Field(description="The node that it leads to.")
    kind: Literal["caused", "settles", "mirrors", "reverses"] = Field(description="What the first did to the second.")


class TraceModel(BaseModel):
    """A graph of what came of what."""

    nodes: list[NodeModel] = Field(description="Events, documents, journals, settlements and vouchers; 1,000 at most.")
    edges: list[EdgeModel] = Field(description="What leads to what.")
    truncated: bool = Field(description="Whether there is more than is shown.")


@router.get("/v1/trace", responses=SINGLE, response_model=One[TraceModel], summary="What came of something, and what it came of")
async def trace_of(  # noqa: PLR0913 - the names that one can begin with
    request: Request,
    actor: Reader,
    event: Annotated[str | None, Query(description="Begin with the event of this id.", **TEXT)] = None,
    source: Annotated[str | None, Query(description="The source of the event or settlement.", **TEXT)] = None,
    document: Document = None,
    company: Annotated[str | None, Query(description="The company of the document or voucher.", **TEXT)] = None,
    ledger: Ledger = None,
    voucher: Annotated[str | None, Query(description="Begin with the voucher of this number; needs `company`.", **TEXT)] = None,
    settlement: Annotated[str | None, Query(description="Begin with the run that the event of this id asked for.", **TEXT)] = None,
) -> Response:
    """From an event, document, voucher or settlement: everything that is joined to it, with the state of each."""
    if company is not None:
        actor.reads_of(company)
    if event is None and document is None and voucher is None and settlement is None:
        raise wrong_parameters([Fault("/event", "parameter-invalid", wrong(language_of(request.scope), "begin-with"))])
    if voucher is not None and company is None:
        raise wrong_parameters([Fault("/company", "parameter-invalid", wrong(language_of(request.scope), "needs-company"))])
    ports: WebPorts = request.app.state.ports
    start = TraceStart(event, source, document, company, ledger, voucher, settlement)
    async with books(request) as found:
        graph = await traced(ports.schemas, found.connection, start)
    row: dict[str, Any] | None = visible_graph(graph.as_row(), actor)
    if row is None:
        missing("event, document, voucher or settlement")
    return single(request, row, found.read_to)
