"""What is done about refusals but replaying them: sent again with mended data, or taken off the work list.

Invariant: what a mended event says that the refused one did not is kept beside the action (`before`, `after`); the event itself says who
mended it and of which refusal (`mendedby`, `mendedfrom`). Nothing is deleted.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import orjson

from services.desk.actions.rules import ActionCode, ActionPlan, ActionRefusedError, Draft, Verb
from services.desk.reference import reference_data
from services.desk.refusal_states import RefusalState
from services.desk.rejections import RefusedEvent, refused, refused_named, whole
from services.desk.work_lists import states_of
from services.operations.replay_records import NotReplayableError, refuse_unread
from services.operations.requested import checked, companies_of, request_record
from shared.events.bindings import STRUCTURED
from shared.events.codec import as_json, read_data
from shared.events.contract import sender_topic, short_type
from shared.events.envelope import Record
from shared.events.producing import PartyBook, key_of, topic_for
from shared.events.refusal import MALFORMED, RefusedError
from shared.events.showing import SENDER

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from services.desk.schemas import Schemas

_OF_SETTLEMENT: Final = "settlement"
_NOT_SENT: Final = frozenset({"data", "data_base64", "datalength", SENDER})


class Mended(NamedTuple):
    """The mended data of a refused event, by whom, when, and by which action."""

    refusal: str
    data: dict[str, Any]
    who: str
    action: str
    at: datetime
    traceparent: str | None = None


async def refusals_named(schemas: Schemas, ids: Sequence[str]) -> list[RefusedEvent]:
    """The refusals with these ids; ActionRefusedError (not-found) if there is none with one of them."""
    found: list[RefusedEvent] = []
    for id_ in dict.fromkeys(ids):
        named = [each for each in await refused_named(schemas, id_) if each.id == id_]
        if not named:
            raise ActionRefusedError(ActionCode.NOT_FOUND, "no-record", what=f"refusal {id_}")
        found += named
    return found


async def open_refusals(schemas: Schemas, code: str | None, source: str | None, most: int) -> list[RefusedEvent]:
    """The newest refusals about which nothing was done yet, the last of each event."""
    latest = {each.event: each for each in await refused(schemas, code) if source is None or each.event.source == source}
    states = await states_of(schemas, list(latest.values()))
    return [each for each in latest.values() if states[each.id] is RefusalState.OPEN][-most:]


async def drafted_dismissal(schemas: Schemas, ids: Sequence[str]) -> Draft:
    """The action that takes refusals off the work list; ActionRefusedError (not-open) if none of them is on it."""
    found = await refusals_named(schemas, ids)
    states = await states_of(schemas, found)
    left = [each async for each in whole(schemas, [each for each in found if states[each.id] is not RefusalState.DISMISSED])]
    if not left:
        raise ActionRefusedError(ActionCode.NOT_OPEN, "nothing-open", what="refusal")
    companies = {each.rejection.company for each in left}
    concerned = None if None in companies else tuple(sorted(each for each in companies if each is not None))
    after = {each.id: RefusalState.DISMISSED for each in left}
    target = {"refusals": list(after), "events": [{"source": each.event.source, "id": each.event.id} for each in left]}
    before = {each.id: states[each.id].value for each in left}
    return Draft(Verb.DISMISS, target, concerned, ActionPlan(states=after), before, about=tuple(each.event for each in left))


async def drafted_resend(schemas: Schemas, mended: Mended) -> Draft:
    """The action that sends mended data in place of what was refused.

    ActionRefusedError (not-found; not-open where it was sent again already); RefusedError if the services would not read it.
    """
    [found] = [each async for each in whole(schemas, await refusals_named(schemas, [mended.refusal]))]
    if (await states_of(schemas, [found]))[found.id] is RefusalState.RESENT:
        raise ActionRefusedError(ActionCode.NOT_OPEN, "nothing-open", what="refusal")
    parties = PartyBook(await reference_data(schemas))
    original = found.rejection.original
    is_of_settlement = found.rejection.scope == _OF_SETTLEMENT
    record = _request(schemas, mended, parties) if is_of_settlement else corrected(original, mended, parties)
    if not is_of_settlement:
        _refuse_where_it_is_not_read(schemas, record)
    target = {"refusal": found.id, "scope": found.rejection.scope, "event": {"source": found.event.source, "id": found.event.id}}
    plan = ActionPlan(records=(record,), states={found.id: RefusalState.RESENT})
    return Draft(Verb.RESEND, target, _companies(found, record), plan, *_compared(original, mended.data), about=(found.event,))


def _companies(found: RefusedEvent, record: Record) -> tuple[str, ...] | None:
    """Whose books it concerns: those of the mended data, and those of the refused, which are kept beside them."""
    mended, refused_for = companies_of(record), found.rejection.company
    return mended if mended is None or refused_for is None else tuple(sorted({*mended, refused_for}))


def _compared(original: dict[str, Any], mended: dict[str, Any]) -> tuple[Any, Any]:
    """What was refused and what is sent in its place in one form, so that they differ in nothing but what was changed.

    Defaults are filled in where both can be read.
    """
    name, data = short_type(str(original.get("type"))), original.get("data")
    source = str(original.get("source"))
    with suppress(RefusedError):
        if name is not None and isinstance(data, dict):
            before, after = (orjson.loads(as_json(read_data(name, orjson.dumps(each), source))) for each in (data, mended))
            return _in_order(before), _in_order(after)
    return _in_order(data), _in_order(mended)


def _in_order(value: Any) -> Any:
    """With fields by name, texts trimmed and without nulls, which say nothing."""
    if isinstance(value, dict):
        return {name: _in_order(each) for name, each in sorted(value.items()) if each is not None}
    if isinstance(value, list):
        return [_in_order(each) for each in value]
    return value.strip() if isinstance(value, str) else value


def _refuse_where_it_is_not_read(schemas: Schemas, record: Record) -> None:
    try:
        refuse_unread(record.topic, schemas.settings)
    except NotReplayableError as error:
        raise ActionRefusedError(ActionCode.NOT_OPEN, "nothing-replayable", why=str(error)) from error


def _request(schemas: Schemas, mended: Mended, parties: PartyBook) -> Record:
    """A request to settle, since the id of what it stands for is taken: the document is posted, only its marks were refused."""
    record = request_record(mended.action, "settlement.requested", mended.data, mended.at, parties, schemas.settings, mended.traceparent)
    record.headers = (*record.headers, ("ce_mendedby", mended.who.encode()), ("ce_mendedfrom", mended.refusal.encode()))
    return record


def corrected(original: dict[str, Any], mended: Mended, parties: PartyBook) -> Record:
    """The refused event with other data, under its own source and id, on its sender's topic."""
    name = short_type(str(original.get("type")))
    if name is None or not original.get("id") or not original.get("source"):
        raise RefusedError(MALFORMED, "", "what was refused is not an event of the contract: its sender must send it again")
    event = {key: value for key, value in original.items() if key not in _NOT_SENT}
    event |= {"data": mended.data, "mendedby": mended.who, "mendedfrom": mended.refusal}
    key = key_of(name, str(original["id"]), mended.data, parties)
    sender = original.get(SENDER)
    topic = topic_for(name) if sender is None else sender_topic(topic_for(name), sender)
    return checked(Record(topic, key.encode(), orjson.dumps(event), (("content-type", STRUCTURED.encode()),)))
