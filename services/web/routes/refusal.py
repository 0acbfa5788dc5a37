"""`/v1/refusal`: one refusal, with the event that was refused."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from fastapi import APIRouter, Query, Request
from pydantic import Field

from services.desk.about import about
from services.desk.rejections import refused_named, whole
from services.desk.work_lists import states_of
from services.web.access.may import Reader
from services.web.book_models import SINGLE, One
from services.web.models import Key
from services.web.naming import short_name, with_event
from services.web.reading import as_of_now, missing, single
from services.web.work_models import RefusedEventModel

if TYPE_CHECKING:
    from starlette.responses import Response

    from services.web.ports import WebPorts

router = APIRouter(tags=["work"])


class WholeRefusalModel(RefusedEventModel):
    """A refusal with its event."""

    company: str | None = Field(description="The company of its document.")
    document: str | None = Field(description="Its document, or the one that it names.")
    original: dict[str, Any] = Field(description="The event as it was refused, its data in `data`.")


@router.get("/v1/refusal", responses=SINGLE, response_model=One[WholeRefusalModel], summary="A refusal with its event")
async def refusal(
    request: Request, actor: Reader, id_: Annotated[Key, Query(alias="id", description="The refusal's id, as /v1/refusals gives it.")]
) -> Response:
    """What was refused, why, where in the event, and the event itself: what is mended and resent."""
    schemas = _ports(request).schemas
    named = [each async for each in whole(schemas, [each for each in await refused_named(schemas, id_) if each.id == id_.lower()])]
    if not named:
        missing("refusal")
    (found,) = named
    subject = about(found.rejection.original.get("type"), found.rejection.original.get("data"))
    if subject.companies and not actor.sees(*subject.companies):
        missing("refusal")
    row = {**with_event(found.as_row()), "type": short_name(found.rejection.type), "company": subject.company, "document": subject.document}
    again_at = None if found.again_at is None else found.again_at.isoformat()
    state = (await states_of(schemas, named))[found.id]
    return single(request, {**row, "again_at": again_at, "state": state.value}, as_of_now(request))


def _ports(request: Request) -> WebPorts:
    ports: WebPorts = request.app.state.ports
    return ports
