"""`/flow`, `/checks`, `/actions`: how the services stand, whether their books agree, and what people did."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson
from starlette.responses import StreamingResponse

from services.web.console.pages.acted import targets
from services.web.console.pages.ages import age_since
from services.web.console.pages.checked import checked
from services.web.console.pages.hour import hour
from services.web.console.rendering import rendered
from services.web.frame import EVENT_STREAM

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from starlette.responses import Response

    from services.web.console.reader import Reader

Row = dict[str, Any]


async def flow(reader: Reader) -> Row:
    """Each service with its rate, what it has still to read, what waits and what was refused; how much was posted in the last hour."""
    said = await reader.ask("/v1/flow")
    minutes = await reader.ask("/v1/flow/minutes", company=reader.company)
    return {"title": reader.t("Flow"), "hour": hour(minutes["data"]), **_numbers(reader, said, minutes["latest"])}


async def flow_stream(reader: Reader) -> Response:
    """The same numbers every two seconds: as figures for the page's chart (`flow`), and as the table that takes the place of the last."""
    messages = reader.api.stream("/v1/flow/stream")
    first = await anext(messages)  # what stands in the way is a page of its own, not a stream that breaks off

    async def live() -> AsyncIterator[bytes]:
        yield first + b"\n\n"
        async for message in messages:
            event, _, data = message.partition(b"\n")
            if event == b"event: flow":
                minutes = await reader.ask("/v1/flow/minutes", company=reader.company)
                shown = rendered(
                    reader, "parts/numbers.html", _numbers(reader, orjson.loads(data.removeprefix(b"data: ")), minutes["latest"])
                )
                yield message + b"\n\n" + b"".join(b"data: %b\n" % line for line in shown.encode().splitlines() if line) + b"\n"

    return StreamingResponse(live(), media_type=EVENT_STREAM)


def _numbers(reader: Reader, said: Row, latest: list[Row]) -> Row:
    """How each service stands, and what was posted last."""
    at = said["read_to"]["time"]
    names = ("waiting_since", "outbox_since", "failed_since")
    rows = [{**row, **{f"{name}_age": age_since(reader, row[name], at) for name in names}} for row in said["data"]]
    return {"rows": rows, "last": next(iter(latest), None), "at": at}


async def checks(reader: Reader) -> Row:
    """The last comparison of the services' books."""
    said = await reader.ask("/v1/checks")
    is_due = said["data"]["next_at"] is None or said["data"]["next_at"] <= said["read_to"]["time"]
    return {"title": reader.t("Checks"), "last": checked(reader, said["data"]), "is_due": is_due}


async def actions(reader: Reader) -> Row:
    """What people did, the newest first, with who, when and why."""
    said = await reader.ask("/v1/actions", limit=100, cursor=reader.parameter("cursor"))
    rows = [{**each, "targets": targets(reader, each)} for each in said["data"]]
    return {"title": reader.t("Actions"), "rows": rows, "next": said["next"]}
