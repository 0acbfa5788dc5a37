"""Reference data that people write over HTTP: one entity, or a whole group as in a group file.

Invariant: an entity is written over the version that its writer has read and no other; what the services would refuse is said before
anything is sent; what a group does not name is not touched, and what does not differ is not sent.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import orjson

from services.desk.actions.rules import ActionCode, ActionPlan, ActionRefusedError, Draft, ReplacedVersion, Verb
from services.desk.reference import reference_events
from services.inquiry.queries.reference import WITHDRAWN, entity
from services.operations.reference_changes import Change, changes
from services.operations.requested import companies_of, request_record
from services.scenarios.group_file import ReferenceEntry, reference_entries
from services.scenarios.yaml_files import FileError
from shared.events.codec import decode
from shared.events.contract import CONTRACT, short_type
from shared.events.envelope import Message, Topic
from shared.events.producing import PartyBook
from shared.events.reference import compaction_key
from shared.events.refusal import INVALID, UNKNOWN_TYPE, RefusedError

if TYPE_CHECKING:
    from services.desk.schemas import Schemas
    from services.operations.orders import Ordered
    from shared.events.envelope import Record

_GROUP: Final = "/group"
_FILE: Final = Path("group")
_NONE: Final = 0


async def drafted_definition(  # noqa: PLR0913 - an entity, its version, and the order
    schemas: Schemas, key: str, type_: str, data: dict[str, Any], position: int, ordered: Ordered
) -> Draft:
    """The action that defines an entity again (or withdraws it); `position`: of the version that is replaced, 0: there is none.

    ActionRefusedError: version-changed. RefusedError, with the place in the data.
    """
    type_ = short_type(type_) or type_
    if type_ not in CONTRACT or CONTRACT[type_].topic != Topic.REFERENCE:
        raise RefusedError(UNKNOWN_TYPE, "/type", f"{type_} defines no reference data")
    record = request_record(ordered.action, type_, data, ordered.at, PartyBook(), schemas.settings, ordered.traceparent)
    read = decode(record)
    if isinstance(read, Message) and compaction_key(read.data) != key:
        raise RefusedError(INVALID, "", f"these data are of {compaction_key(read.data)}, not of {key}", in_data=True)
    before = await _version(schemas, key, position)
    after: Any = data
    if type_ != WITHDRAWN:
        found = await _group_changes(schemas, [ReferenceEntry("", type_, data)], ordered, "/data")
        after = found[0].after if found else before
    target = {"key": key, "type": type_}
    plan = ActionPlan(records=(_keyed(record, key),), replaces=ReplacedVersion(key, position))
    return Draft(Verb.DEFINE, target, companies_of(record), plan, before, after)


async def _version(schemas: Schemas, key: str, position: int) -> Any:
    """The data of the version in force; ActionRefusedError (version-changed) if it is not the one at this position."""
    async with schemas.books() as connection:
        versions = await entity(connection, key)
    last = versions[-1] if versions else None
    in_force = (await reference_events(schemas)).get(key)
    seen = None if last is None or last["type"] == WITHDRAWN else (last["type"], last["data"])
    if (_NONE if last is None else last["position"]) != position or seen != (None if in_force is None else tuple(in_force)):
        raise ActionRefusedError(ActionCode.VERSION_CHANGED, "version-is", entity=key, position=_NONE if last is None else last["position"])
    return None if in_force is None else in_force.data


async def drafted_group(schemas: Schemas, group: dict[str, Any], ordered: Ordered) -> tuple[Draft, list[Change]]:
    """The action that defines what of a group differs from what is in force, and the differences; RefusedError with the place."""
    try:
        entries = reference_entries(_FILE, group, "")
    except FileError as error:
        raise RefusedError(INVALID, _GROUP, f"{error.place}: {error.message}") from error
    found = await _group_changes(schemas, entries, ordered, _GROUP)
    parties = PartyBook()
    records: list[Record] = []
    concerned: set[str] | None = set()
    for number, each in enumerate(found, start=1):
        ids = f"{ordered.action}/{number}"
        record = request_record(ids, each.entry.type, each.entry.data, ordered.at, parties, schemas.settings, ordered.traceparent)
        of_entity = companies_of(record)
        concerned = None if concerned is None or of_entity is None else concerned | set(of_entity)
        records.append(_keyed(record, each.key))
    before = {each.key: None if each.before is None else each.before.data for each in found}
    after = {each.key: each.after for each in found}
    companies = None if concerned is None else tuple(sorted(concerned))
    return Draft(Verb.APPLY, {"keys": list(after)}, companies, ActionPlan(records=tuple(records)), before, after), found


async def _group_changes(schemas: Schemas, entries: list[ReferenceEntry], ordered: Ordered, root: str) -> list[Change]:
    """What differs; RefusedError (invalid) with the place, which is in what stands at `root` of the body."""
    try:
        return changes(_FILE, entries, await reference_events(schemas), ordered.at)
    except FileError as error:
        raise RefusedError(INVALID, root, f"{error.place}: {error.message}" if error.place else error.message) from error


def _keyed(record: Record, key: str) -> Record:
    """What a withdrawal has as its key may hang on what is known; here it is known from the data alone."""
    return record if record.key else replace(record, key=key.encode())


def change_row(change: Change) -> dict[str, Any]:
    """A difference as an object."""
    before = None if change.before is None else {"type": change.before.type, "data": change.before.data}
    return {
        "key": change.key,
        "line": str(change),
        "before": before,
        "after": {"type": change.entry.type, "data": orjson.loads(orjson.dumps(change.after))},
    }
