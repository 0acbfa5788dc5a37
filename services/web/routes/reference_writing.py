"""Reference data written: one entity over the version that was read, or what differs of a whole group."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from fastapi import APIRouter, Header, Query, Request
from pydantic import BaseModel, Field
from starlette.responses import JSONResponse

from services.operations import reference_writing
from services.operations.reference_writing import change_row
from services.web.access.may import Master
from services.web.access.roles import EVERYTHING
from services.web.models import VERSION_READ
from services.web.models import Key as Name
from services.web.writing import ActedModel, Key, Reasoned, Writing, said_as_problems

if TYPE_CHECKING:
    from starlette.responses import Response

    from services.desk.actions.rules import Draft
    from services.operations.carrying_out import Acted
    from services.operations.reference_changes import Change
    from services.web.writing import Answer

router = APIRouter(tags=["reference"])

IfMatch = Annotated[
    str,
    Header(
        alias="If-Match",
        max_length=22,
        pattern=VERSION_READ,
        description="The `position` of the version that is replaced, as /v1/reference gives it; `0`: there is none.",
    ),
]


class EntityToDefine(Reasoned):
    """An entity as it is to be."""

    type: Name = Field(description="The type of the event that defines it: `company.defined`, …, `reference.withdrawn` (docs/contract).")
    data: dict[str, Any] = Field(description="The event's data.")


class GroupToApply(Reasoned):
    """A group."""

    group: dict[str, Any] = Field(description="As in a group file: companies, parties, … (docs/scenarios.md).")


class ReferenceVersionModel(BaseModel):
    """An entity as an event defines it."""

    type: str = Field(description="The event's type.")
    data: dict[str, Any] = Field(description="The event's data, defaults filled in.")


class ChangeModel(BaseModel):
    """An entity that differs from what is in force."""

    key: str = Field(description="What names it.")
    line: str = Field(description="The difference in one line, as `intercompany apply` prints it.")
    before: ReferenceVersionModel | None = Field(description="What is in force; null: nothing.")
    after: ReferenceVersionModel = Field(description="What the group says.")


class AppliedModel(BaseModel):
    """What a group changes."""

    action: str | None = Field(description="The id of the action in the audit; null: nothing was sent.")
    changes: list[ChangeModel] = Field(description="What differs, in the order in which it is sent.")


@router.put(
    "/v1/reference/entity",
    status_code=202,
    responses={202: {"description": "The broker has acknowledged it."}},
    response_model=ActedModel,
    summary="Define an entity",
)
async def put_reference_entity(  # noqa: PLR0913 - an entity, its version, and who writes it
    request: Request,
    actor: Master,
    key_: Annotated[Name, Query(alias="key", description="What names it: `key` of /v1/reference.")],
    if_match: IfMatch,
    body: EntityToDefine,
    key: Key = None,
) -> Response:
    """The entity is defined again, over the version that its writer has read; another one in between is `version-changed`."""
    writing = Writing(request, actor, key, body)
    position = int(if_match.removeprefix("W/").strip('"'))
    return await writing.act(
        lambda action: reference_writing.drafted_definition(
            writing.ports.schemas, key_, body.type, body.data, position, writing.ordered(action)
        )
    )


@router.post("/v1/reference/apply", response_model=AppliedModel, summary="Apply a group")
async def apply_reference(
    request: Request,
    actor: Master,
    body: GroupToApply,
    dry_run: Annotated[bool, Query(description="Whether to say only what would change.")] = False,  # noqa: FBT002
    key: Key = None,
) -> Response:
    """What of a group differs from what is in force is sent; what it does not name is not touched."""
    writing = Writing(request, actor, key, body)
    found: list[Change] = []

    async def draft(action: str) -> Draft:
        drafted, changes = await reference_writing.drafted_group(writing.ports.schemas, body.group, writing.ordered(action))
        found[:] = changes
        return drafted

    async def answer(acted: Acted) -> Answer:
        return 200, {"action": acted.action.id, "changes": [change_row(each) for each in found]}

    if dry_run:
        with said_as_problems():
            drafted = await draft("dry-run")
        actor.acts_for((EVERYTHING,) if drafted.companies is None else drafted.companies)
        return JSONResponse({"action": None, "changes": [change_row(each) for each in found]})
    return await writing.act(draft, answer)
