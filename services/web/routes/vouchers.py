"""`/v1/vouchers`, `/v1/voucher`, `/v1/voucher/why`: what was posted, and why."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal, NoReturn

from fastapi import APIRouter, Depends, Query, Request
from starlette.responses import StreamingResponse

from services.desk.why.finding import NoSuchLineError, why
from services.desk.why.in_force import as_they_were
from services.files.exports.columns import VOUCHERS
from services.inquiry.queries.vouchers import VoucherSelection, vouchers
from services.inquiry.queries.vouchers import voucher as voucher_of
from services.web.access.may import Reader
from services.web.access.scope import visible_voucher
from services.web.book_models import (
    SINGLE,
    TEXT,
    Account,
    Document,
    From,
    Kind,
    Ledger,
    One,
    OneCompany,
    Party,
    To,
    VoucherModel,
)
from services.web.exporting import EXPORTED, File, exported
from services.web.frame import language_of
from services.web.languages import text, wrong
from services.web.models import AnAmount, Company, Key, ListOf
from services.web.parameters import wrong_parameters
from services.web.problems import Code, Fault, ProblemError
from services.web.reading import KnownAt, Page, books, listed, missing, scope_of, single, titled
from services.web.why_models import WhyOfLine

if TYPE_CHECKING:
    from starlette.responses import Response

    from services.web.access.roles import Actor
    from shared.delivery.ports import Connection

router = APIRouter(tags=["books"])

Row = dict[str, Any]

_IMPORTED: Final = (
    "Those of which the company's own system has said nothing yet (`no`), last that it did not take them (`failed`), or that it has them "
    "(`yes`), as it is now."
)
VoucherNumber = Annotated[Key, Query(description="The voucher's number, with its series: AR-SET-000012.")]


def _selected(  # noqa: PLR0913 - the filters of vouchers
    actor: Reader,
    company: OneCompany = None,
    ledger: Ledger = None,
    kind: Kind = None,
    document: Document = None,
    party: Party = None,
    settlement: Annotated[str | None, Query(description="Of the run that the event with this id asked for.", **TEXT)] = None,
    settlement_source: Annotated[str | None, Query(description="The source of that event.", **TEXT)] = None,
    from_: From = None,
    to: To = None,
    account: Account = None,
    min_: Annotated[AnAmount | None, Query(alias="min", description="Their debit in accounting currency is at least this.")] = None,
    max_: Annotated[AnAmount | None, Query(alias="max", description="Their debit in accounting currency is at most this.")] = None,
    sort: Annotated[Literal["date", "-date"], Query(description="The oldest or the newest (`-date`) first.")] = "-date",
    imported: Annotated[Literal["no", "failed", "yes"] | None, Query(description=_IMPORTED)] = None,
) -> VoucherSelection:
    """The vouchers that are asked for, of the companies in scope."""
    return VoucherSelection(
        scope_of(actor, company),
        ledger,
        kind,
        document,
        party,
        settlement,
        settlement_source,
        from_,
        to,
        account,
        min_,
        max_,
        sort,
        imported=imported,
    )


Selected = Annotated[VoucherSelection, Depends(_selected)]


@router.get("/v1/vouchers", response_model=ListOf[VoucherModel], summary="Vouchers")
async def list_vouchers(request: Request, page: Page, selected: Selected, known_at: KnownAt = None) -> Response:
    """Vouchers with their lines, those of the companies in scope.

    What is not in the companies' own systems yet, by age: `imported=no&sort=date`.
    """
    selection = replace(selected, known_at=page.known_at(known_at))
    return await listed(request, page, lambda connection, wanted: vouchers(connection, selection, wanted), titled(request))


@router.get("/v1/exports/vouchers", responses=EXPORTED, response_model=None, response_class=StreamingResponse, summary="Vouchers as a file")
async def export_vouchers(request: Request, file: File, selected: Selected, known_at: KnownAt = None) -> Response:
    """All of /v1/vouchers, a row for each line."""
    selection = replace(selected, known_at=known_at)
    return await exported(request, file, VOUCHERS, lambda connection, wanted: vouchers(connection, selection, wanted), titled(request))


@router.get("/v1/voucher", responses=SINGLE, response_model=One[VoucherModel], summary="One voucher")
async def voucher(request: Request, actor: Reader, company: Company, voucher: VoucherNumber) -> Response:
    """One voucher with its lines and sisters.

    Of a company out of scope it is shown where it is a sister of one in scope, and of it no more than that it is there and what it
    owes to the reader's companies.
    """
    async with books(request) as found:
        row = await voucher_of(found.connection, company, voucher)
    if row is None or not actor.sees(company, *(sister["company"] for sister in row["sisters"])):
        missing("voucher")
    return single(request, titled(request)(visible_voucher(row, actor)), found.read_to)


@router.get("/v1/voucher/why", responses=SINGLE, response_model=One[WhyOfLine], summary="Why a line of a voucher is there")
async def why_line(
    request: Request,
    actor: Reader,
    company: Company,
    voucher: VoucherNumber,
    line: Annotated[
        int | None, Query(description="The line, by its `line` in /v1/voucher, from 1; needed.", ge=1, le=1_000_000, examples=[1])
    ] = None,
) -> Response:
    """Why the line is there and has its amount: a sentence in the reader's language, with the parameters as they were in force then."""
    _in_scope(actor, company)
    async with books(request) as found:
        if line is None:
            await _refuse_without_line(request, found.connection, company, voucher)
        try:
            explained = await why(
                request.app.state.ports.schemas,
                company,
                voucher,
                line or 0,
                language_of(request.scope),
                lambda facts: as_they_were(request.app.state.ports.schemas, found.connection, facts),
            )
        except NoSuchLineError:
            await _refuse_without_line(request, found.connection, company, voucher, line)
    return single(request, explained.as_row(), found.read_to)


async def _refuse_without_line(request: Request, connection: Connection, company: str, voucher: str, line: int | None = None) -> NoReturn:
    """ProblemError: which lines there are, where none or another one is named; not-found where there is no such voucher."""
    row = await voucher_of(connection, company, voucher)
    if row is None:
        missing("voucher")
    language = language_of(request.scope)
    there = [f"{each['line']} ({each['posting_type']} {each['account']})" for each in row["lines"]]
    hint = text(language, "known-parameters").format(names=", ".join(there))
    if line is not None:
        raise ProblemError(Code.NOT_FOUND, "no-line", line=line, voucher=voucher, hint=hint)
    said = wrong(language, "missing") + hint
    raise wrong_parameters([Fault("/line", "parameter-invalid", said)])


def _in_scope(actor: Actor, company: str) -> None:
    if not actor.sees(company):
        missing("voucher")
