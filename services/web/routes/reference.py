"""`/v1/reference` and `/v1/reference/entity`: the reference data in force, and every version of an entity."""

from __future__ import annotations

from datetime import UTC, datetime, time
from typing import TYPE_CHECKING, Annotated, Any, Final

from fastapi import APIRouter, Query, Request
from pydantic import BaseModel, Field

from services.inquiry.queries.reference import ReferenceSelection, entity, reference
from services.web.access.may import Reader
from services.web.access.scope import is_visible_entity, visible_version
from services.web.book_models import SINGLE, TEXT, EventRefModel, One, OneCompany
from services.web.frame import language_of
from services.web.languages import wrong
from services.web.models import Key, ListOf
from services.web.naming import type_named
from services.web.parameters import not_known, wrong_parameters
from services.web.problems import Fault
from services.web.reading import Day, Page, books, listed, missing, scope_of, single
from shared.events.contract import CONTRACT
from shared.events.envelope import Topic

if TYPE_CHECKING:
    from starlette.responses import Response

router = APIRouter(tags=["books"])

Row = dict[str, Any]

TYPES: Final = sorted(name for name, entry in CONTRACT.items() if entry.topic is Topic.REFERENCE)


class VersionModel(BaseModel):
    """A version of an entity of the reference data."""

    key: str = Field(description="What names the entity, its kind first.")
    position: int = Field(description="Its position: later versions have larger ones.")
    type: str = Field(description="The type of the event that set it; `reference.withdrawn`: it is not in force since.")
    data: dict[str, Any] = Field(description="What that event said (docs/contract).")
    event: EventRefModel = Field(description="That event.")
    from_: str = Field(alias="from", description="Since when it is in force.")


class EntityModel(BaseModel):
    """An entity with its versions."""

    key: str = Field(description="What names it.")
    versions: list[VersionModel] = Field(description="Every version, the oldest first.")


@router.get("/v1/reference", response_model=ListOf[VersionModel], summary="Reference data in force")
async def list_reference(  # noqa: PLR0913 - its filters
    request: Request,
    actor: Reader,
    page: Page,
    type_: Annotated[
        str | None,
        Query(
            alias="type",
            description="Entities that events of this type define: `company.defined`, its full name, or `company`.",
            examples=["company.defined"],
            **TEXT,
        ),
    ] = None,
    company: OneCompany = None,
    q: Annotated[str | None, Query(description="What names the entity begins with this, its kind aside; needs `type`.", **TEXT)] = None,
    as_of: Day = None,
) -> Response:
    """What is in force, or was at the end of a day: entities of the companies in scope, and of no company.

    A trading relation is one of both its companies. Of a party its accounts and groups in the companies in scope are shown.
    """
    kind = None if type_ is None else type_named(type_, TYPES)
    if type_ is not None and kind is None:
        raise not_known(name="type", given=type_, known=TYPES, language=language_of(request.scope))
    if q is not None and type_ is None:
        raise wrong_parameters([Fault("/q", "parameter-invalid", wrong(language_of(request.scope), "needs-type"))])
    at = None if as_of is None else datetime.combine(as_of, time.max, UTC)
    selection = ReferenceSelection(scope_of(actor, company), kind, q, page.known_at(at))
    return await listed(
        request, page, lambda connection, wanted: reference(connection, selection, wanted), lambda row: visible_version(row, actor)
    )


@router.get("/v1/reference/entity", responses=SINGLE, response_model=One[EntityModel], summary="Every version of an entity")
async def reference_entity(
    request: Request, actor: Reader, key: Annotated[Key, Query(description="What names it: `key` of /v1/reference.")]
) -> Response:
    """Every version, with the event that set it; a withdrawal is one of them."""
    async with books(request) as found:
        versions = await entity(found.connection, key)
    if not any(is_visible_entity(version["data"], actor) for version in versions):
        missing("entity")
    return single(request, {"key": key, "versions": [visible_version(row, actor) for row in versions]}, found.read_to)
