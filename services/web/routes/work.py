"""`/v1/waiting` and `/v1/refusals`: what is still to be done, as the services that keep it have it now."""

from __future__ import annotations

from collections import defaultdict
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal

import asyncpg
from fastapi import APIRouter, Query, Request

from services.desk.refusal_states import RefusalState
from services.desk.rejections import place_of as refusal_place
from services.desk.waiting import BEGINNING
from services.desk.waiting import place_of as waiting_place
from services.desk.work_groups import WorkGroup, grouped
from services.desk.work_lists import WorkItem, WorkSelection, refused_work, waiting_work
from services.web.access.may import Reader
from services.web.access.scope import visible_refusal, visible_wait
from services.web.book_models import TEXT, OneCompany
from services.web.cursors import MOST_COUNTED, Envelope, counted
from services.web.frame import language_of
from services.web.known import CODES, refuse_unknown_companies, refuse_unknown_values
from services.web.languages import Language, work_text
from services.web.models import DURATION, ListOf
from services.web.naming import with_event
from services.web.parameters import not_known
from services.web.problems import Code, ProblemError
from services.web.reading import Page, answered, as_of_now
from services.web.work_models import MissingModel, RefusedForModel, RefusedModel, WaitingModel, in_one_line
from shared.rows import instant
from shared.waiting import OF_DOCUMENTS, OF_SALES_PAYMENTS, OF_SETTLEMENTS

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterable

    from starlette.responses import Response

    from services.web.access.roles import Actor
    from services.web.ports import WebPorts
    from services.web.reading import Paging

router = APIRouter(tags=["work"])

Row = dict[str, Any]
Place = tuple[str, ...]

REASONS: Final = sorted({*OF_DOCUMENTS, *OF_SETTLEMENTS, *OF_SALES_PAYMENTS})
_UNITS: Final = {"s": 1, "m": 60, "h": 3600, "d": 86400}

Source = Annotated[str | None, Query(description="Of events from this source alone.", **TEXT)]
OlderThan = Annotated[
    str | None,
    Query(description="For longer than this: a number and s, m, h or d (seconds to days).", pattern=DURATION, examples=["2h"]),
]
GroupBy = Annotated[
    Literal["missing"] | None, Query(description="`missing`: what is missing, with how many events, for how much, and since when.")
]
For = Annotated[str | None, Query(alias="for", description="What is waited for.", json_schema_extra={"enum": REASONS})]


@router.get("/v1/waiting", response_model=ListOf[WaitingModel] | ListOf[MissingModel], summary="What waits")
async def list_waiting(  # noqa: PLR0913 - its filters
    request: Request,
    actor: Reader,
    page: Page,
    company: OneCompany = None,
    for_: For = None,
    source: Source = None,
    older_than: OlderThan = None,
    group_by: GroupBy = None,
    key: Annotated[
        str | None,
        Query(description="For this one thing: the values of `key` in the order of their names, a blank between.", **TEXT),
    ] = None,
) -> Response:
    """Each event that has something waiting, the longest first, with the first thing that it waits for and what it is about."""
    if for_ is not None and for_ not in REASONS:
        raise not_known(name="for", given=for_, known=REASONS, language=language_of(request.scope))
    work = _Work(request, actor, page)
    is_missing = None if key is None else lambda found: in_one_line(visible_wait({"key": found}, actor)["key"]) == key
    selection = WorkSelection(actor.reads_of(company), source, work.before(older_than), reason=for_, is_missing=is_missing)

    async def items(after: Place | None) -> AsyncIterator[WorkItem]:
        place = BEGINNING if after is None else waiting_place("/".join(after))
        async for item in waiting_work(work.ports.schemas, await work.ports.reference.current(), selection, place):
            yield item

    if group_by is not None:
        return await work.groups(items, lambda item: (item.row["for"], tuple(sorted(_shown_key(item, actor).items()))), _missing)
    return await work.rows(items, lambda row: visible_wait(row, actor))


@router.get("/v1/refusals", response_model=ListOf[RefusedModel] | ListOf[RefusedForModel], summary="What was refused")
async def list_refusals(  # noqa: PLR0913 - its filters
    request: Request,
    actor: Reader,
    page: Page,
    company: OneCompany = None,
    code: Annotated[
        str | None, Query(description="Refused with this code alone (docs/events.md).", json_schema_extra={"enum": CODES}, **TEXT)
    ] = None,
    scope: Annotated[
        Literal["event", "settlement"] | None,
        Query(description="`event`: all of it was refused; `settlement`: what it asked to be settled."),
    ] = None,
    source: Source = None,
    older_than: OlderThan = None,
    state: Annotated[
        Literal["open", "resent", "dismissed"], Query(description="What was done about them: nothing yet, sent again, taken off the list.")
    ] = "open",
    group_by: GroupBy = None,
) -> Response:
    """Each refusal, the newest first, with what the refused event is about. `group_by=missing`: by code and company."""
    refuse_unknown_values(request)
    work = _Work(request, actor, page)
    bound = work.before(older_than)
    selection = WorkSelection(actor.reads_of(company), source, bound, code=code, scope=scope, state=RefusalState(state))

    async def items(after: Place | None) -> AsyncIterator[WorkItem]:
        place = None if after is None else refusal_place("/".join(after))
        async for item in refused_work(work.ports.schemas, await work.ports.reference.current(), selection, place):
            yield item

    if group_by is not None:
        return await work.groups(items, lambda item: (item.row["code"], item.about.company), _refused_for)
    return await work.rows(items, lambda row: with_event(visible_refusal(row, actor)))


class _Work:
    """One request for a page of a work list."""

    def __init__(self, request: Request, actor: Actor, page: Paging) -> None:
        self.ports: WebPorts = request.app.state.ports
        self._request = request
        self._language = language_of(request.scope)
        self._actor = actor
        self._page = page
        self._now = self.ports.clock.now()

    def before(self, older_than: str | None) -> datetime | None:
        """Before when something has to have come that is older than this."""
        return None if older_than is None else self._now - timedelta(seconds=int(older_than[:-1]) * _UNITS[older_than[-1]])

    async def rows(self, items: Callable[[Place | None], AsyncIterator[WorkItem]], shown: Callable[[Row], Row]) -> Response:
        """A page of the entries, each as this reader sees it."""
        found = await self._first(items, self._page.wanted.probe)
        more = len(found) > self._page.wanted.limit
        data = [shown(self._row(item)) for item in found[: self._page.wanted.limit]]
        total = len([item async for item in _at_most(items(None), MOST_COUNTED + 1)]) if self._page.counts else None
        await self._refuse_unknown(data)
        return self._answer(data, found[len(data) - 1].place if more else None, total)

    async def _refuse_unknown(self, data: list[Row]) -> None:
        if not data and self._page.wanted.after is None and "company" in self._request.query_params:
            refuse_unknown_companies(self._request, (await self.ports.reference.current()).companies)

    async def _first(self, items: Callable[[Place | None], AsyncIterator[WorkItem]], number: int) -> list[WorkItem]:
        after = self._page.wanted.after
        try:
            return [item async for item in _at_most(items(None if after is None else tuple(map(str, after))), number)]
        except (ValueError, asyncpg.DataError) as error:
            if after is None:
                raise
            raise ProblemError(Code.CURSOR_INVALID, "cursor-unreadable") from error

    async def groups(
        self,
        items: Callable[[Place | None], AsyncIterator[WorkItem]],
        key: Callable[[WorkItem], Any],
        shown: Callable[[Any, WorkGroup, Language], tuple[Row, str]],
    ) -> Response:
        """A page of the groups that all entries make."""
        found = await grouped(items(None), key, lambda item: self._actor.sees(item.about.company))
        rest = [(each, group) for each, group in found if self._is_after(_place(each, group))]
        data = [self._group(group, *shown(each, group, self._language)) for each, group in rest[: self._page.wanted.limit]]
        await self._refuse_unknown(data)
        last = rest[len(data) - 1] if len(rest) > len(data) else None
        return self._answer(data, None if last is None else _place(*last), len(found) if self._page.counts else None)

    def _is_after(self, place: Place) -> bool:
        after = self._page.wanted.after
        if after is None:
            return True
        try:
            since, name = after
            return (datetime.fromisoformat(place[0]), place[1]) > (datetime.fromisoformat(str(since)), str(name))
        except (ValueError, TypeError) as error:
            raise ProblemError(Code.CURSOR_INVALID, "cursor-unreadable") from error

    def _row(self, item: WorkItem) -> Row:
        row = {**item.row, "age_seconds": self._age(item.since)}
        hidden = item.about.company is not None and not self._actor.sees(item.about.company)
        return {**row, "party": None, "currency": None, "amount": None} if hidden else row

    def _group(self, group: WorkGroup, named: Row, name: str) -> Row:
        age, language = self._age(group.since), self._language
        events = work_text(language, "one-event" if group.events == 1 else "events").format(number=group.events)
        oldest = work_text(language, "oldest").format(age=age_in_words(age, language))
        more = {"events": group.events, "amounts": group.amount_rows(), "oldest": instant(group.since), "age_seconds": age}
        return {**named, **more, "sentence": f"{name}: {', '.join([events, *group.in_words(language), oldest])}"}

    def _age(self, since: datetime) -> int:
        return max(0, int((self._now - since).total_seconds()))

    def _answer(self, data: list[Row], after: Place | None, total: int | None) -> Response:
        count = None if total is None else counted(total)
        return answered(Envelope(data, self._page.following(after), as_of_now(self._request), count).as_row())


async def _at_most(items: AsyncIterator[WorkItem], number: int) -> AsyncIterator[WorkItem]:
    left = number
    async for item in items:
        yield item
        left -= 1
        if left == 0:
            return


def _place(key: Any, group: WorkGroup) -> Place:
    return group.since.isoformat(), str(key)


def _shown_key(item: WorkItem, actor: Actor) -> Row:
    key: Row = visible_wait(item.row, actor)["key"]
    return key


def _missing(key: tuple[str, Iterable[tuple[str, str]]], _group: WorkGroup, language: Language) -> tuple[Row, str]:
    """What is missing, and how it is called."""
    reason, words = key[0], dict(key[1])
    text = work_text(language, f"waits-{'event' if reason == 'document' and 'event' in words else reason}")
    return {"for": reason, "key": words}, text.format_map(defaultdict(lambda: "…", words))


def _refused_for(key: tuple[str, str | None], _group: WorkGroup, language: Language) -> tuple[Row, str]:
    """Why and where something was refused, and how that is called."""
    code, company = key
    return {"code": code, "company": company}, code if company is None else work_text(language, "refused").format(
        code=code, company=company
    )


def age_in_words(seconds: int, language: Language) -> str:
    """An age in the largest unit that it has two of, or one."""
    unit = next((each for each in ("d", "h", "m") if seconds >= _UNITS[each]), "s")
    return work_text(language, f"age-{unit}").format(number=seconds // _UNITS[unit])
