"""Events that somebody sends manually, as an action of the audit: who sent them, when, why, and what they said.

Invariant: what is sent is what was given; it is written down before it is sent, as everything that people do.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

import orjson

from services.desk.actions.rules import ActionPlan, Draft, Verb
from services.operations.requested import companies_of
from shared.events.codec import as_json, decode
from shared.events.envelope import Message

if TYPE_CHECKING:
    from collections.abc import Sequence

    from services.desk.actions.rules import ImportedFile
    from shared.events.envelope import Record

Row = dict[str, Any]


_NAMED: Final = 3
"""Of so many events of a file the target says which they are; all of them are found by what an action is about."""


def drafted_import(records: Sequence[Record], said: Row, file: ImportedFile | None) -> Draft:
    """The action that sends the events that were made of the rows of a file, which is kept; `said`: the file's name, digest and mapping."""
    draft = drafted_sending(records)
    events = [each.ref._asdict() for each in map(decode, records[:_NAMED]) if isinstance(each, Message)]
    target = {"file": said["file"], "number": len(records), "events": events}
    return replace(draft, target=target, after=said, file=file)


def drafted_sending(records: Sequence[Record]) -> Draft:
    """The action that sends these events; each was read before. `after` has the data of one that is sent alone."""
    read = [each for each in map(decode, records) if isinstance(each, Message)]
    concerned = [companies_of(each) for each in records]
    whole_group = any(each is None for each in concerned)
    companies = None if whole_group else tuple(sorted({name for each in concerned for name in each or ()}))
    target: Row = {"events": [each.ref._asdict() for each in read]}
    after: Row | None = None
    if len(read) == 1:
        (message,) = read
        after = orjson.loads(as_json(message.data))
        named = {name: after[name] for name in ("company", "document") if isinstance(after.get(name), str)}
        target = {"event": message.ref._asdict(), "type": message.type, **named}
    return Draft(Verb.SEND, target, companies, ActionPlan(records=tuple(records)), None, after)
