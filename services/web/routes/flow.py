"""`/v1/flow`, `/v1/flow/stream` and `/v1/checks`: how the services stand, and whether their books agree."""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal

import orjson
from fastapi import APIRouter, Query, Request
from pydantic import BaseModel, Field
from starlette.responses import StreamingResponse

from services.desk.flow import Rates, flow
from services.desk.last_checks import Checking
from services.inquiry.queries.minutes import posted_by_minute, posted_last
from services.web.access.may import Reader
from services.web.book_models import OneCompany
from services.web.frame import EVENT_STREAM, still_counts
from services.web.models import ReadTo
from services.web.problems import MEDIA_TYPE, RETRY_AFTER, Code, ProblemError
from services.web.reading import answered, as_of_now, books, scope_of
from shared.rows import instant

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from starlette.responses import Response
    from starlette.types import Receive, Scope, Send

    from services.web.ports import WebPorts

router = APIRouter(tags=["operation"])

Row = dict[str, Any]

STREAM: Final = "/v1/flow/stream"
EVERY: Final = 2.0
"""Seconds between two messages of the stream."""
MOST_STREAMS: Final = 16
"""Streams that one reader has open at once; more than that would be looked at by nobody."""
MOST_MESSAGES: Final = 43_200
_KEPT_FOR: Final = 1.0
"""Seconds for which one look serves all who ask."""
_CHECKS: Final = "checks"
"""Where the process keeps its comparisons."""


class ServiceFlowModel(BaseModel):
    """How a service stands."""

    service: str = Field(description="Its name.")
    per_second: float | None = Field(description="Records that it reads a second, over the last minute at most; null at the first look.")
    lag: int | None = Field(description="Records that it has still to read; null while the broker is away.")
    behind: dict[str, int] | None = Field(description="The same by topic.")
    waiting: int = Field(description="What it has waiting.")
    waiting_since: str | None = Field(description="Since when the oldest waits.")
    refused: int | Literal["10000+"] = Field(description="What it has refused, whatever was done about it; exact up to 10,000.")
    last_refused_at: str | None = Field(description="When it last refused something.")
    outbox: int = Field(description="Batches that it has decided and the broker has not acknowledged yet.")
    outbox_since: str | None = Field(description="Since when the oldest of them is there.")
    failed: int = Field(description="Messages that were put aside as defects.")
    failed_since: str | None = Field(description="Since when the oldest of them is.")


class FlowModel(BaseModel):
    """How the services stand."""

    data: list[ServiceFlowModel] = Field(description="Each service; inquiry where it has tables.")
    read_to: ReadTo = Field(description="As of when.")


class MinuteModel(BaseModel):
    """What was posted in a minute."""

    minute: str = Field(description="The minute that begins then.")
    payments: int = Field(description="Vouchers of payments that were posted in it.")
    vouchers: int = Field(description="Vouchers of all kinds.")


class PostedLastModel(BaseModel):
    """A voucher, by its names, and how much it posts."""

    company: str = Field(description="Its company.")
    voucher: str = Field(description="Its number.")
    kind: str = Field(description="Its kind.")
    date: str = Field(description="Its accounting date.")
    document: str | None = Field(description="The document that it posts or settles.")
    amount: str = Field(description="Its debit in accounting currency, which is its credit.")
    accounting_currency: str = Field(description="The company's accounting currency.")
    posted_at: str = Field(description="When it was posted.")


class MinutesModel(BaseModel):
    """What was posted in the last hour, minute by minute, the oldest first."""

    data: list[MinuteModel] = Field(description="Sixty minutes, the last one still under way.")
    latest: list[PostedLastModel] = Field(description="Those that were posted last, eight at most, the last one first.")
    read_to: ReadTo = Field(description="How far the read side had read.")


class CheckModel(BaseModel):
    """A comparison of what one service says with what another one has of it."""

    check: str = Field(description="What has to hold.")
    compared: str = Field(description="How much was compared.")
    holds: bool = Field(description="Whether it holds everywhere.")
    problem_count: int = Field(description="In how many places it does not, of those that are listed at most.")
    problems: list[str] = Field(description="Where it does not; only to who sees all companies.")


class ChecksResult(BaseModel):
    """The last comparison."""

    at: str | None = Field(description="When it was begun; null: there was none yet, or the first one is still under way.")
    seconds: float | None = Field(description="How long it took.")
    holds: bool | None = Field(description="Whether all of it holds.")
    next_at: str | None = Field(
        description="From when on who asks has the next one made: ten times as long after the last one as that took, a minute at least."
    )
    running: bool = Field(description="Whether another one is under way.")
    checks: list[CheckModel] = Field(description="Each comparison.")


class ChecksModel(BaseModel):
    """The last comparison of the services' books."""

    data: ChecksResult = Field(description="The last comparison.")
    read_to: ReadTo = Field(description="As of when was asked.")


@router.get("/v1/flow", response_model=FlowModel, summary="How the services stand")
async def read_flow(request: Request, _: Reader) -> Response:
    """Rates and lag of each service, what waits, was refused, is to be sent, was put aside: numbers of the whole group."""
    return answered({"data": await _flow(request), "read_to": as_of_now(request)})


@router.get("/v1/flow/minutes", response_model=MinutesModel, summary="How much was posted in the last hour")
async def read_minutes(request: Request, actor: Reader, company: OneCompany = None) -> Response:
    """Payments and vouchers by the minute in which they were posted, of the companies in scope."""
    ports: WebPorts = request.app.state.ports
    async with books(request) as found:
        rows = await posted_by_minute(found.connection, scope_of(actor, company), ports.clock.now())
        latest = await posted_last(found.connection, scope_of(actor, company))
    return answered({"data": rows, "latest": latest, "read_to": found.read_to})


_STREAMED: Final[dict[int | str, dict[str, Any]]] = {
    200: {"content": {EVENT_STREAM: {"schema": {"type": "string"}}}, "description": "Messages whose data is an answer of /v1/flow."},
    429: {
        "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}},
        "description": f"The reader has {MOST_STREAMS} open.",
    },
}


@router.get(
    STREAM, response_model=None, response_class=StreamingResponse, responses=_STREAMED, summary="How the services stand, every two seconds"
)
async def stream_flow(
    request: Request,
    actor: Reader,
    messages: Annotated[
        int, Query(description="So many messages at most; a client then asks again by itself.", ge=1, le=MOST_MESSAGES)
    ] = MOST_MESSAGES,
) -> Response:
    """Server-sent events: the first at once, then one every two seconds, for as long as the client listens and may."""
    first = await _flow(request)  # what stands in the way is an answer, not a stream that breaks off
    return _Counted(_messages(request, first, messages), ports_of(request).cache, actor.name)


class _Counted(StreamingResponse):
    """A stream that is one of its reader's until it ends, however it ends."""

    def __init__(self, messages: AsyncIterator[bytes], cache: Row, reader: str) -> None:
        """ProblemError (too-many-requests) where the reader has as many as they may."""
        self._open: Counter[str] = cache.setdefault("streams", Counter())
        self._reader = reader
        if self._open[reader] >= MOST_STREAMS:
            again = {"Retry-After": str(RETRY_AFTER)}
            raise ProblemError(Code.TOO_MANY_REQUESTS, "too-many-streams", limit=MOST_STREAMS, name=reader, headers=again)
        super().__init__(messages, media_type=EVENT_STREAM)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Sends the messages."""
        self._open[self._reader] += 1
        try:
            await super().__call__(scope, receive, send)
        finally:
            self._open[self._reader] -= 1


async def _messages(request: Request, first: list[Row], number: int) -> AsyncIterator[bytes]:
    ports = ports_of(request)
    yield b"retry: 2000\n\n"
    yield _message("flow", {"data": first, "read_to": as_of_now(request)})
    for _ in range(number - 1):
        await ports.pause(EVERY)
        if ports.stopping.is_set() or not await still_counts(request.scope):
            return
        try:
            yield _message("flow", {"data": await _flow(request), "read_to": as_of_now(request)})
        except Exception as error:
            problem = ports.problem_of(error)
            if problem is None:
                raise
            yield _message("problem", {"code": problem.code})


def ports_of(request: Request) -> WebPorts:
    """What the process has of the world."""
    ports: WebPorts = request.app.state.ports
    return ports


def _message(event: str, row: Row) -> bytes:
    return b"event: " + event.encode() + b"\ndata: " + orjson.dumps(row) + b"\n\n"


async def _flow(request: Request) -> list[Row]:
    """One look a second, however many look."""
    ports: WebPorts = request.app.state.ports
    looking: _Looking = ports.cache.setdefault("flow", _Looking())
    return await looking.look(ports)


class _Looking:
    """The looks of a process."""

    def __init__(self) -> None:
        self._turn = asyncio.Lock()
        self._rates = Rates()
        self._kept: tuple[float, list[Row]] | None = None

    async def look(self, ports: WebPorts) -> list[Row]:
        """How the services stand, as of a second ago at most."""
        async with self._turn:
            now = ports.clock.monotonic()
            if self._kept is None or now - self._kept[0] >= _KEPT_FOR:
                ends = await ports.ends.ends()
                self._kept = now, [each.as_row() for each in await flow(ports.schemas, ends, self._rates, now)]
            return self._kept[1]


@router.get("/v1/checks", response_model=ChecksModel, summary="Whether the services' books agree")
async def read_checks(
    request: Request,
    actor: Reader,
    begin: Annotated[bool, Query(description="Whether one is made if `next_at` has come; false: only what there is.")] = True,  # noqa: FBT002
) -> Response:
    """What the last comparison of the services' books, and of inquiry's, found. One is made when somebody asks, once `next_at` has come."""
    ports: WebPorts = request.app.state.ports
    checking: Checking = ports.cache.setdefault(_CHECKS, Checking(ports.schemas, ports.clock))
    last = await checking.checks() if begin else await checking.known()
    sees_all = actor.companies is None
    row = {
        "at": None if last is None else instant(last.began_at),
        "seconds": None if last is None else round(last.seconds, 3),
        "holds": None if last is None else last.hold,
        "next_at": None if last is None else instant(last.next_at),
        "running": checking.is_running,
        "checks": [
            {**check, "problem_count": len(check["problems"]), "problems": check["problems"] if sees_all else []}
            for check in ([] if last is None else last.checks)
        ],
    }
    return answered({"data": row, "read_to": as_of_now(request)})


async def close_checks(ports: WebPorts) -> None:
    """Ends a comparison that is under way."""
    checking: Checking | None = ports.cache.get(_CHECKS)
    if checking is not None:
        await checking.close()
