"""`/v1/imports` to be read: the files that were imported, what became of their rows, and the files themselves as they came."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any, Final
from urllib.parse import quote
from uuid import UUID

from fastapi import APIRouter, Path, Query, Request
from pydantic import BaseModel, Field
from starlette.responses import Response

from services.desk.actions import store, stored_imports
from services.desk.actions.rules import ActionState
from services.desk.actions.stored_imports import ImportSelection
from services.inquiry.queries.events import CLOCKS_DIFFER, StageOfEvent
from services.operations.replies import replies
from services.web.access.may import Reader
from services.web.book_models import SINGLE, TEXT, One, OneCompany
from services.web.cursors import MOST_COUNTED, Envelope, counted
from services.web.known import refuse_unknown_companies
from services.web.models import AN_ID, ListOf
from services.web.problems import Code, ProblemError
from services.web.reading import Page, answered, as_of_now, missing, scope_of, single
from services.web.routes.imports import FileRowModel

if TYPE_CHECKING:
    from services.web.access.roles import Actor
    from services.web.ports import WebPorts

Row = dict[str, Any]

router = APIRouter(tags=["events"])

OF_A_FILE: Final = re.compile("/v1/imports/[^/]+/file")
ANY: Final = "application/octet-stream"
"""A file is given as it came, and as nothing that a browser would show."""
_SHOWN: Final = ("id", "at", "actor", "reason", "state", "name", "sha256", "size", "companies", "counts")
_WRONG: Final = "wrong"
_SENT: Final = "accepted"

ImportId = Annotated[str, Path(alias="id", description="The import's id.", pattern=AN_ID)]


class KeptImportModel(BaseModel):
    """A file that somebody imported."""

    id: str = Field(description="Its id; the action of the audit that sent its rows has it too.", pattern=AN_ID)
    at: str = Field(description="When.")
    actor: str = Field(description="By whom.")
    reason: str = Field(description="Why.")
    state: ActionState = Field(description="How far it is. `begun` and `failed`: import the file again, which sends what is missing.")
    name: str = Field(description="The file's name.")
    sha256: str = Field(description="The digest of the file.")
    size: int = Field(description="How many bytes it has.")
    companies: list[str] | None = Field(description="Whose books its rows are about; null: of some that cannot be told.")
    counts: dict[str, int] = Field(description="How many rows were of each state: `accepted` were sent.")


class KeptRowModel(FileRowModel):
    """What became of a row that was imported."""

    became: StageOfEvent | None = Field(description="What became of the event that was sent: as of now. Null: none was sent.")
    code: str | None = Field(description="With which code it was refused.")


class WholeImportModel(KeptImportModel):
    """A file that somebody imported, with its rows."""

    mapping: dict[str, Any] | None = Field(description="What its rows mean; null outside of your scope.")
    rows: list[KeptRowModel] | None = Field(description="The rows, in their order; null outside of your scope.")


@router.get("/v1/imports", response_model=ListOf[KeptImportModel], summary="Files that were imported")
async def list_imports(  # noqa: PLR0913 - its filters
    request: Request,
    actor: Reader,
    page: Page,
    company: OneCompany = None,
    by: Annotated[str | None, Query(description="By this actor alone.", **TEXT)] = None,
    sha256: Annotated[str | None, Query(description="The file with this digest alone.", pattern="^[0-9a-fA-F]{64}$")] = None,
) -> Response:
    """The files of which something was sent, the newest first: those about companies in scope, and one's own."""
    ports: WebPorts = request.app.state.ports
    reader = actor.name if company is None else None
    selection = ImportSelection(scope_of(actor, company), reader, by, None if sha256 is None else bytes.fromhex(sha256))
    try:
        place = None if page.wanted.after is None else _place(page.wanted.after)
    except (ValueError, TypeError, AttributeError, OverflowError) as error:
        raise ProblemError(Code.CURSOR_INVALID, "cursor-unreadable") from error
    async with ports.schemas.desk() as connection:
        found = await stored_imports.imports_of(connection, selection, page.wanted.limit + 1, place)
        total = counted(await stored_imports.count_imports(connection, selection, MOST_COUNTED + 1)) if page.counts else None
    if not found and not page.continues and company is not None:
        refuse_unknown_companies(request, (await ports.reference.current()).companies)
    shown = found[: page.wanted.limit]
    last = (shown[-1]["at"], shown[-1]["id"]) if len(found) > len(shown) else None
    read_to = {**as_of_now(request), "behind": {}}
    return answered(Envelope([_heading(each) for each in shown], page.following(last), read_to, total).as_row())


def _place(after: tuple[Any, ...]) -> tuple[datetime, str]:
    at, id_ = after
    return datetime.fromisoformat(at).astimezone(UTC), str(UUID(id_))


def _heading(row: Row) -> Row:
    return {name: row[name] for name in _SHOWN}


@router.get("/v1/imports/{id}", responses=SINGLE, response_model=One[WholeImportModel], summary="One file that was imported, with its rows")  # noqa: FAST003 - alias
async def get_import(request: Request, actor: Reader, import_: ImportId) -> Response:
    """A file, what its rows mean, and what became of each: when it was imported, and of what was sent as of now."""
    row = await _found(request, actor, import_)
    if not _may_open(actor, row):
        return single(request, {**_heading(row), "mapping": None, "rows": None}, as_of_now(request))
    became = await _became(request, row)
    rows = [{**each, **became.get((each["source"], each["id"]), {"became": None, "code": None})} for each in row["rows"]]
    return single(request, {**_heading(row), "mapping": row["mapping"], "rows": rows}, as_of_now(request))


_FILE: Final[dict[int | str, dict[str, Any]]] = {
    200: {
        "description": "The file.",
        "content": {ANY: {"schema": {"type": "string", "format": "binary"}}},
        "headers": {"Content-Disposition": {"description": "The name of the file.", "schema": {"type": "string"}}},
    }
}


@router.get("/v1/imports/{id}/file", response_class=Response, responses=_FILE, summary="A file as it was imported")  # noqa: FAST003 - alias
async def get_imported_file(request: Request, actor: Reader, import_: ImportId) -> Response:
    """The file, byte by byte as it came, for whoever imported it, and whoever may see all that its rows are about."""
    row = await _found(request, actor, import_)
    if not _may_open(actor, row):
        missing("import")
    ports: WebPorts = request.app.state.ports
    async with ports.schemas.desk() as connection:
        content = await stored_imports.content_of(connection, row["id"])
    named = f"attachment; filename*=UTF-8''{quote(row['name'], safe='')}"
    return Response(content, headers={"Content-Disposition": named, "X-Content-Type-Options": "nosniff"}, media_type=ANY)


async def _found(request: Request, actor: Actor, id_: str) -> Row:
    """An import of which something is in scope; ProblemError (not-found)."""
    ports: WebPorts = request.app.state.ports
    async with ports.schemas.desk() as connection:
        row = await stored_imports.import_of(connection, id_.lower())
    if row is None:
        missing("import")
    if row["actor"] != actor.name and not actor.sees(*(row["companies"] or ()), *(row["sent_for"] or ())):
        missing("import")
    return row


def _may_open(actor: Actor, row: Row) -> bool:
    """Whether the file and its rows are shown: to who imported it, and to who may see all companies that its rows are about.

    A row that is wrong may be about any company, whatever it says.
    """
    if actor.companies is None or actor.name == row["actor"]:
        return True
    return row["companies"] is not None and _WRONG not in row["counts"] and actor.companies.issuperset(row["companies"])


async def _became(request: Request, row: Row) -> dict[tuple[str, str], Row]:
    """What became of the events that were sent, by source and id."""
    ports: WebPorts = request.app.state.ports
    async with ports.schemas.desk() as connection:
        action = await store.action_of(connection, row["id"])
    if action is None:
        return {}
    found = await replies(ports.schemas, action.draft.plan.answered, action.at - CLOCKS_DIFFER)
    return {(each.event.source, each.event.id): {"became": each.state.value, "code": each.code} for each in found}
