"""`POST /v1/imports`: the rows of a table or the entries of a bank statement as events, by a mapping."""

from __future__ import annotations

import asyncio
import base64
import binascii
import hashlib
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal

import orjson
from fastapi import APIRouter, Request
from pydantic import BaseModel, Field
from starlette.responses import JSONResponse

from services.desk.actions.rules import ImportedFile
from services.desk.actions.stored_imports import ImportSelection, imports_of
from services.files.imports.bounds import OF_A_REQUEST
from services.files.imports.events import Making, RowError
from services.files.imports.mapping import mapping_of
from services.files.imports.outcomes import companies_of_rows, kept_row, rows_of_file
from services.operations.sent_by_hand import drafted_import
from services.scenarios.yaml_files import FileError
from services.web.access.may import Sender
from services.web.cloudevents import EventPlace, GivenEvent
from services.web.frame import language_of
from services.web.ingestion import ACCEPTED, DUPLICATE, addressing, ingestion_of, may_send
from services.web.models import AN_ID
from services.web.problems import Code, Fault, ProblemError
from services.web.reading import scope_of
from services.web.writing import Key, Reasoned, Writing
from shared.events.producing import PartyBook

if TYPE_CHECKING:
    from collections.abc import Sequence

    from starlette.responses import Response

    from services.desk.actions.rules import Draft
    from services.files.imports.events import FileRow
    from services.operations.carrying_out import Acted
    from services.web.access.roles import Actor
    from services.web.ingestion import SentOutcome
    from services.web.ports import WebPorts
    from shared.events.envelope import Record

router = APIRouter(tags=["events"])

_PLACE: Final = EventPlace("/content", is_of_many=True)
State = Literal["accepted", "duplicate", "wrong", "left_out"]


class FileToImport(Reasoned):
    """A file, and what its rows mean."""

    name: Annotated[str, Field(min_length=1, max_length=255, pattern=r"^[^\x00-\x1f\x7f/\\]+$", description="The file's name.")]
    content: Annotated[str, Field(min_length=1, description="The file, in Base64.")]
    mapping: dict[str, Any] = Field(description="Which column is which field, as a mapping file has it (docs/files.md).")
    dry_run: bool = Field(default=False, description="Only say what would be sent, and what is wrong.")
    partial: bool = Field(default=False, description="Send the rows that are right though others are not.")


class RowErrorModel(BaseModel):
    """What is wrong with a row."""

    column: str | None = Field(description="In which column, or element of a bank statement; null: in none of its own.")
    message: str = Field(description="What is wrong and what would be right.")


class FileRowModel(BaseModel):
    """What became of a row, or of an entry of a bank statement."""

    place: str = Field(description="Where it stands: `row 17`, as a spreadsheet counts, or `entry 2, transfer 1`.")
    state: State = Field(
        description="`accepted`: it is sent, or would be. `duplicate`: it was sent before. `wrong`: see errors. "
        "`left_out`: by the mapping it is not a payment."
    )
    source: str | None = Field(description="The event's source; null where it is none.")
    id: str | None = Field(description="The event's id; null where it is none.")
    company: str | None = Field(description="Whose books it is about, as far as that can be told.")
    document: str | None = Field(description="The number of the invoice or payment; null where the row is wrong.")
    currency: str | None = Field(description="Its currency; null where the row is wrong.")
    amount: str | None = Field(description="Its amount; null where the row is wrong.")
    errors: list[RowErrorModel] = Field(description="All that is wrong with it.")


class EarlierModel(BaseModel):
    """An earlier import of the same file."""

    id: str = Field(description="Its id (/v1/imports/{id}).", pattern=AN_ID)
    at: str = Field(description="When.")
    actor: str = Field(description="By whom.")
    name: str = Field(description="What the file was called then.")


class ImportModel(BaseModel):
    """What became of a file."""

    id: str | None = Field(description="The id under which the file is kept (/v1/imports/{id}); null where nothing was sent.")
    earlier: EarlierModel | None = Field(description="When the very same file was imported last; null: it was not, or not in your scope.")
    sha256: str = Field(description="The digest of the file.")
    sent: bool = Field(description="Whether what is accepted was sent; false with `dry_run`.")
    counts: dict[str, int] = Field(description="How many rows there are of each state.")
    rows: list[FileRowModel] = Field(description="The rows, in their order.")


_IMPORTED: Final[dict[int | str, dict[str, Any]]] = {
    200: {"model": ImportModel, "description": "With `dry_run`: what would be sent, and what is wrong."},
    202: {"model": ImportModel, "description": "The broker has acknowledged every event."},
}


@router.post("/v1/imports", status_code=202, responses=_IMPORTED, response_model=None, summary="Import a file")
async def import_file(request: Request, actor: Sender, body: FileToImport, key: Key = None) -> Response:
    """Sends the rows of a table (CSV, XLSX) or the entries of a bank statement (camt.053) as events.

    All are sent or none: what is wrong is 422, with the row and the column in each of `errors`. The ids of events are made of what a
    row says, so the same file twice changes nothing. A file of which something was sent is kept as it came (`GET /v1/imports`).
    """
    ports: WebPorts = request.app.state.ports
    content = _content(body)
    making = Making(ports.clock.now(), PartyBook(await ports.reference.current()))
    rows = await _rows(body, content, making, ports.cache.setdefault("reading a file", asyncio.Lock()))
    given = _given(rows, actor, ports)
    ingestion, language = ingestion_of(ports), language_of(request.scope)
    outcomes = dict(zip(given, await ingestion.judged(list(given.values()), language), strict=True))
    for place, outcome in outcomes.items():
        rows[place].errors += [RowError(None, fault.message) for fault in outcome.faults]
    answer = _answer(rows, outcomes, content, is_sent=not body.dry_run) | {"earlier": await _earlier(ports, actor, content)}
    if body.dry_run:
        return JSONResponse(answer)
    wrong = [said for row in rows for said in row.said()]
    if wrong and (not body.partial or answer["counts"].get("wrong") == len(rows)):
        faults = [Fault("/content", Code.INVALID, said) for said in wrong]
        number = sum(bool(row.errors) for row in rows)
        raise ProblemError(Code.INVALID, "rows-wrong", faults=faults, wrong=number, number=len(rows))
    events = [given[place] for place, outcome in outcomes.items() if outcome.is_sent and not rows[place].errors]
    file = ImportedFile(body.name, content, body.mapping, tuple(answer["rows"]), companies_of_rows(rows)) if events else None
    sending = _Sending(Writing(request, actor, key, body), body, file, answer)
    if events:
        await ingestion.deliver(events, sending.send)
    elif key is not None:
        await sending.send([])  # under its key the same request is answered as the first time
    return sending.response or JSONResponse(answer, 202)


def _content(body: FileToImport) -> bytes:
    try:
        return base64.b64decode(body.content, validate=True)
    except (binascii.Error, ValueError) as error:
        raise _wrong(at="/content", message="it is not Base64") from error


async def _rows(body: FileToImport, content: bytes, making: Making, one_at_a_time: asyncio.Lock) -> list[FileRow]:
    """The rows of the file, read in a thread, one file at a time, since each takes memory.

    ProblemError (invalid) for a mapping or a file that is not as it has to be.
    """
    try:
        orjson.dumps(body.mapping)
    except TypeError as error:
        raise _wrong(at="/mapping", message="it has a text that is not Unicode") from error
    try:
        mapping = mapping_of(body.mapping, Path("mapping"))
    except FileError as error:
        raise _wrong(at="/mapping", message=str(error)) from error
    try:
        async with one_at_a_time:
            return await asyncio.to_thread(rows_of_file, Path(body.name), content, mapping, making, OF_A_REQUEST)
    except FileError as error:
        raise _wrong(at="/content", message=str(error)) from error


def _wrong(*, at: str, message: str) -> ProblemError:
    return ProblemError(Code.INVALID, faults=[Fault(at, Code.INVALID, message)], detail=message)


def _given(rows: Sequence[FileRow], actor: Actor, ports: WebPorts) -> dict[int, GivenEvent]:
    """The rows that are right as events of a request, by their place; ProblemError (403) for one that the actor may not send."""
    to_topic = addressing(actor, ports.settings)
    found: dict[int, GivenEvent] = {}
    for place, row in enumerate(rows):
        if row.read is not None and row.record is not None and not row.errors:
            may_send(actor, row.read)
            found[place] = GivenEvent(place, to_topic(row.record), row.read, _PLACE)
    return found


def _answer(rows: Sequence[FileRow], outcomes: dict[int, SentOutcome], content: bytes, *, is_sent: bool) -> dict[str, Any]:
    told = [kept_row(row, _state(row, outcomes.get(place))) for place, row in enumerate(rows)]
    counts = dict(sorted(Counter(row["state"] for row in told).items()))
    return {"id": None, "sha256": hashlib.sha256(content).hexdigest(), "sent": is_sent, "counts": counts, "rows": told}


async def _earlier(ports: WebPorts, actor: Actor, content: bytes) -> dict[str, Any] | None:
    """The last import of the very same file that this actor may know of."""
    selection = ImportSelection(scope_of(actor, None), actor.name, sha256=hashlib.sha256(content).digest())
    async with ports.schemas.desk() as connection:
        found = await imports_of(connection, selection, 1, None)
    return next(({name: row[name] for name in EarlierModel.model_fields} for row in found), None)


def _state(row: FileRow, outcome: SentOutcome | None) -> State:
    if row.is_left_out:
        return "left_out"
    if row.errors or outcome is None:
        return "wrong"
    return DUPLICATE if outcome.state == DUPLICATE else ACCEPTED


class _Sending:
    """Sends events as something that somebody did: the audit has the events, whose file it was, its digest, and the mapping.

    The file is kept with it as it came; None where there is nothing to be sent.
    """

    def __init__(self, writing: Writing, body: FileToImport, file: ImportedFile | None, answer: dict[str, Any]) -> None:
        self._writing = writing
        self._said = {"file": body.name, "sha256": answer["sha256"], "mapping": body.mapping}
        self._file = file
        self._answer = answer
        self.response: Response | None = None

    async def send(self, records: list[Record]) -> None:
        """Sends them; `response` is then what is answered, under a key that was used what was answered then."""

        async def draft(_: str) -> Draft:
            return drafted_import(records, self._said, self._file)

        async def told(acted: Acted) -> tuple[int, dict[str, Any]]:
            return 202, {**self._answer, "id": acted.action.id if acted.action.draft.plan.records else None}

        self.response = await self._writing.act(draft, told)
