"""`/v1/balances` and `/v1/lines`: what accounts have, and how it came about."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, Final, Literal

from fastapi import APIRouter, Depends, Query, Request
from pydantic import BaseModel, Field
from starlette.responses import StreamingResponse

from services.files.exports.columns import BALANCES, LINES
from services.inquiry.queries.as_of import AsOf
from services.inquiry.queries.balances import BalanceSelection, balances
from services.inquiry.queries.lines import LineSelection, lines
from services.web.access.may import Reader
from services.web.book_models import TEXT, Account, Currency, EventRefModel, From, LineModel, OneCompany, Partner, Party, PostingType
from services.web.exporting import EXPORTED, File, exported
from services.web.models import PRINTABLE, ListOf
from services.web.parameters import ANY, wrong_parameters
from services.web.problems import Fault
from services.web.reading import Day, KnownAt, Page, listed, scope_of, today

if TYPE_CHECKING:
    from starlette.responses import Response

router = APIRouter(tags=["books"])

_DIMENSION: Final = "dimension."


class BalanceModel(BaseModel):
    """An account for a period, or (`by=day`) what was posted on it on one day. Debit is positive."""

    company: str = Field(description="The company.")
    account: str = Field(description="The main account.")
    posting_type: str = Field(description="The posting type.")
    partner: str | None = Field(description="The other company, on due-to and due-from accounts.")
    currency: str = Field(description="The transaction currency.")
    accounting_currency: str = Field(description="The company's accounting currency.")
    date: str | None = Field(default=None, description="The day, with `by=day`.")
    opening: str | None = Field(default=None, description="What it had before the period.")
    debit: str = Field(description="Debit in the period.")
    credit: str = Field(description="Credit in the period.")
    closing: str | None = Field(default=None, description="What it had at the end of the period.")
    accounting_opening: str | None = Field(default=None, description="The same in accounting currency.")
    accounting_debit: str = Field(description="Debit in accounting currency.")
    accounting_credit: str = Field(description="Credit in accounting currency.")
    accounting_closing: str | None = Field(default=None, description="What it had at the end, in accounting currency.")
    last_date: str | None = Field(default=None, description="The last day on which something was posted.")


class LineOfAccount(LineModel):
    """A line of an account, with its voucher."""

    company: str = Field(description="The company.")
    voucher: str = Field(description="The voucher's number.")
    line: int = Field(description="The line in the voucher, from 1.")
    date: str = Field(description="Its date.")
    ledger: str = Field(description="The voucher's ledger.")
    kind: str = Field(description="The voucher's kind.")
    document: str = Field(description="The document that the voucher posts or settles.")
    accounting_currency: str = Field(description="The company's accounting currency.")
    settlement: EventRefModel | None = Field(description="The settlement run that the voucher comes of.")
    record: int | None = Field(description="The record of the run, by its number.")
    posted_at: str = Field(description="When it was posted.")
    caused_by: EventRefModel = Field(description="The event from outside that it came of.")
    running: str | None = Field(
        default=None, description="The balance up to and with this line, where company, account and currency are given."
    )
    accounting_running: str | None = Field(default=None, description="The same in accounting currency.")


def _balances_selected(  # noqa: PLR0913 - the filters of balances
    actor: Reader,
    company: OneCompany = None,
    account: Account = None,
    posting_type: PostingType = None,
    partner: Partner = None,
    currency: Currency = None,
    from_: From = None,
    by: Annotated[Literal["account", "day"], Query(description="A row per account for the period, or per day.")] = "account",
) -> BalanceSelection:
    """The balances that are asked for, of the companies in scope."""
    return BalanceSelection(scope_of(actor, company), account, posting_type, partner, currency, from_, by)


BalancesSelected = Annotated[BalanceSelection, Depends(_balances_selected)]


@router.get("/v1/balances", response_model=ListOf[BalanceModel], summary="Balances of accounts")
async def list_balances(request: Request, page: Page, selected: BalancesSelected, as_of: Day = None, known_at: KnownAt = None) -> Response:
    """Opening, debit, credit and closing of each account for the period up to `as_of`."""
    selection = replace(selected, as_of=page.as_of(as_of, known_at))
    return await listed(request, page, lambda connection, wanted: balances(connection, selection, wanted))


@router.get("/v1/exports/balances", responses=EXPORTED, response_model=None, response_class=StreamingResponse, summary="Balances as a file")
async def export_balances(
    request: Request, file: File, selected: BalancesSelected, as_of: Day = None, known_at: KnownAt = None
) -> Response:
    """All of /v1/balances."""
    selection = replace(selected, as_of=AsOf(as_of or today(request), known_at))
    return await exported(request, file, BALANCES, lambda connection, wanted: balances(connection, selection, wanted))


def _lines_selected(  # noqa: PLR0913 - the filters of lines
    request: Request,
    actor: Reader,
    company: OneCompany = None,
    account: Account = None,
    posting_type: PostingType = None,
    partner: Partner = None,
    currency: Currency = None,
    party: Party = None,
    _: Annotated[
        str | None,
        Query(alias=f"{_DIMENSION}{ANY}", description="With this value of the dimension NAME: `dimension.cost_center=12`.", **TEXT),
    ] = None,
    from_: From = None,
) -> LineSelection:
    """The lines that are asked for, of the companies in scope."""
    return LineSelection(scope_of(actor, company), account, posting_type, partner, currency, party, _dimensions(request), from_)


LinesSelected = Annotated[LineSelection, Depends(_lines_selected)]


@router.get("/v1/lines", response_model=ListOf[LineOfAccount], summary="Lines of accounts")
async def list_lines(request: Request, page: Page, selected: LinesSelected, as_of: Day = None, known_at: KnownAt = None) -> Response:
    """The lines up to `as_of`, the oldest first; with a running balance where company, account and currency are given."""
    selection = replace(selected, as_of=page.as_of(as_of, known_at))
    return await listed(request, page, lambda connection, wanted: lines(connection, selection, wanted))


@router.get("/v1/exports/lines", responses=EXPORTED, response_model=None, response_class=StreamingResponse, summary="Lines as a file")
async def export_lines(request: Request, file: File, selected: LinesSelected, as_of: Day = None, known_at: KnownAt = None) -> Response:
    """All of /v1/lines."""
    selection = replace(selected, as_of=AsOf(as_of or today(request), known_at))
    return await exported(request, file, LINES, lambda connection, wanted: lines(connection, selection, wanted))


def _dimensions(request: Request) -> tuple[tuple[str, str], ...]:
    """The dimensions that lines must have, by name; ProblemError (parameter-invalid) for control characters."""
    given = [(name, value) for name, value in request.query_params.items() if name.startswith(_DIMENSION)]
    wrong = [
        Fault(f"/{name}", "parameter-invalid", "it may have no control characters")
        for name, value in given
        if not re.fullmatch(PRINTABLE, name + value)
    ]
    if wrong:
        raise wrong_parameters(wrong)
    return tuple((name.removeprefix(_DIMENSION), value) for name, value in given)
