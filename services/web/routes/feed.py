"""`/v1/feed`: the vouchers in the order of posting, for systems that read on from where they were."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Final

from fastapi import APIRouter, Query, Request
from pydantic import BaseModel, Field

from services.inquiry.queries.feed import feed, is_place
from services.inquiry.queries.pages import LARGEST
from services.web.access.may import Reader
from services.web.book_models import OneCompany, VoucherModel
from services.web.models import DEFAULT_LIMIT, ReadTo
from services.web.problems import Code, ProblemError
from services.web.reading import answered, books, refuse_unknown, scope_of, titled

if TYPE_CHECKING:
    from starlette.responses import Response

    from services.web.ports import WebPorts

router = APIRouter(tags=["books"])

MOST: Final = 1000
LONGEST_WAIT: Final = 30
_LOOKED_AGAIN_AFTER: Final = 0.5


class FedVoucher(VoucherModel):
    """A voucher with its position."""

    position: int = Field(
        description="Its place in the order of posting: larger than those before it, not the next number; it keeps it for ever."
    )


class FeedModel(BaseModel):
    """Vouchers, and where to continue."""

    data: list[FedVoucher] = Field(description="The vouchers.")
    after: int = Field(description="What to ask with next: keep it once what is in `data` is dealt with.")
    read_to: ReadTo = Field(description="How far the read side had read.")


@router.get("/v1/feed", response_model=FeedModel, summary="Vouchers in the order of posting")
async def read_feed(  # noqa: PLR0913 - its parameters
    request: Request,
    actor: Reader,
    company: OneCompany = None,
    after: Annotated[int, Query(description="`after` of the answer before; 0: from the beginning.", ge=0, le=LARGEST)] = 0,
    limit: Annotated[int, Query(description="So many vouchers at most.", ge=1, le=MOST)] = DEFAULT_LIMIT,
    wait: Annotated[int, Query(description="Answer once there is one, within so many seconds.", ge=0, le=LONGEST_WAIT)] = 0,
) -> Response:
    """The vouchers after a position, of the companies in scope: each at least once to a caller who keeps `after`.

    A position keeps its meaning when the tables are read again. One that was never given, or by tables that are no more, is
    `cursor-invalid`: then begin at 0; what comes again has the same company and voucher number.
    """
    ports: WebPorts = request.app.state.ports
    companies = scope_of(actor, company)
    until = ports.clock.monotonic() + wait
    while True:
        async with books(request) as found:
            if not await is_place(found.connection, after):
                raise ProblemError(Code.CURSOR_INVALID, "feed-place-unknown", after=after)
            rows, following = await feed(found.connection, companies, after, limit)
            if not rows:
                await refuse_unknown(request, found.connection)
        if rows or ports.is_over(until):
            data = list(map(titled(request), rows))
            return answered({"data": data, "after": following, "read_to": found.read_to})
        await ports.pause(_LOOKED_AGAIN_AFTER)
