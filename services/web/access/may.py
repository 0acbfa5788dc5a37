"""What an operation says of who may call it: `actor: Reader` in a route's declaration is role, check and OpenAPI in one.

Invariant: every operation under /v1 names a role (a test walks the OpenAPI); which one stands there as the scope of its security
requirement.
"""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import Depends, Request, Security
from fastapi.security import HTTPBearer, SecurityScopes

from services.desk.actions.store import action_of
from services.web.access.roles import Actor, Role
from services.web.bodies import UNREADABLE
from services.web.frame import actor_of

BEARER = HTTPBearer(
    scheme_name="bearer",
    auto_error=False,
    description="A token of HTTP_TOKENS_FILE, or one of the OpenID Connect provider; without HTTP_AUTH none is needed.",
)


async def _checked(request: Request, needed: SecurityScopes, _: Annotated[object, Depends(BEARER)]) -> Actor:
    """Who asks, with the roles that the operation needs; ProblemError (not-allowed) without them."""
    actor = actor_of(request.scope)
    for role in needed.scopes:
        actor.needs(Role(role))
    unreadable: Exception | None = request.scope["state"].get(UNREADABLE)
    if unreadable is not None:
        raise unreadable
    return actor


async def _may_decline(request: Request, needed: SecurityScopes, bearer: Annotated[object, Depends(BEARER)]) -> Actor:
    """Who asks, with the role that the operation needs, or as the one who has proposed the action of the path."""
    actor = actor_of(request.scope)
    if not {Role(role) for role in needed.scopes} <= actor.roles and await _has_proposed(request, actor):
        needed = SecurityScopes([])
    return await _checked(request, needed, bearer)


async def _has_proposed(request: Request, actor: Actor) -> bool:
    try:
        action = str(UUID(request.path_params["id"]))
    except ValueError:
        return False
    async with request.app.state.ports.schemas.desk() as connection:
        found = await action_of(connection, action)
    return found is not None and found.who.name == actor.name


Reader = Annotated[Actor, Security(_checked, scopes=[Role.READER.value])]
Sender = Annotated[Actor, Security(_checked, scopes=[Role.SENDER.value])]
Operator = Annotated[Actor, Security(_checked, scopes=[Role.OPERATOR.value])]
Approver = Annotated[Actor, Security(_checked, scopes=[Role.APPROVER.value])]
Decliner = Annotated[Actor, Security(_may_decline, scopes=[Role.APPROVER.value])]
Master = Annotated[Actor, Security(_checked, scopes=[Role.MASTER.value])]
