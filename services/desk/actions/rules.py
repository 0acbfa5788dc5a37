"""What people may do to what the services keep: which actions there are, which need a second person, and who may decide.

Invariant: nothing is read or written here. An action has all that carrying it out needs (`plan`), so that doing it again after a crash
does the same under the same ids; nobody approves their own proposal, and nothing is decided twice.
"""

from __future__ import annotations

import hashlib
import unicodedata
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, Final, NamedTuple

import orjson

from services.desk.refusal_states import RefusalState
from shared.events.contract import base_topic
from shared.events.envelope import EventRef, Record, Topic
from shared.rows import instant

Row = dict[str, Any]

SHORTEST_REASON: Final = 3
LONGEST_REASON: Final = 500
_NOT_SHOWN: Final = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})
"""Unicode's categories of what is not shown: controls, marks of direction and of width, half characters, separators of lines."""
_HARMLESS: Final = frozenset("\t\n\u200c\u200d")
_BLANK: Final = ("\u115f", "\u1160", "\u2800", "\u3164", "\uffa0")
"""Letters and signs that are drawn as nothing."""


class Verb(StrEnum):
    """What can be done."""

    REPLAY = "replay"
    RESEND = "resend"
    DISMISS = "dismiss"
    DISCARD = "discard"
    APPROVE_JOURNAL = "approve-journal"
    REVERSE_SETTLEMENT = "reverse-settlement"
    REVERSE_PAYMENT = "reverse-payment"
    SEND = "send"
    DEFINE = "define"
    APPLY = "apply"


NEED_APPROVAL: Final = frozenset({Verb.RESEND, Verb.DISCARD, Verb.REVERSE_SETTLEMENT, Verb.REVERSE_PAYMENT})
"""What changes books, or gives up what was to change them: with four eyes a second person has to approve it."""


class ActionState(StrEnum):
    """How far an action is. `begun`: it is being carried out, or was when the process ended; `failed`: it can be carried out again."""

    PROPOSED = "proposed"
    BEGUN = "begun"
    DONE = "done"
    FAILED = "failed"
    DECLINED = "declined"
    WITHDRAWN = "withdrawn"


class Decision(StrEnum):
    """What was decided about a proposal; `withdrawn`: by whoever had proposed it."""

    APPROVED = "approved"
    DECLINED = "declined"
    WITHDRAWN = "withdrawn"

    @property
    def leads_to(self) -> ActionState:
        """The state of an action about which this was decided."""
        return ActionState.BEGUN if self is Decision.APPROVED else ActionState(self.value)

    def by(self, decider: str, action: Action) -> Decision:
        """What it is of this person: who declines what they have proposed themselves withdraws it."""
        return Decision.WITHDRAWN if self is Decision.DECLINED and action.who.name == decider else self


class ActionCode(StrEnum):
    """Why an action is not done, as codes of docs/http_api.md."""

    INVALID = "invalid"
    NOT_FOUND = "not-found"
    NOT_OPEN = "not-open"
    ALREADY_DECIDED = "already-decided"
    OWN_PROPOSAL = "own-proposal"
    CONFLICTING_DUPLICATE = "conflicting-duplicate"
    VERSION_CHANGED = "version-changed"
    UNDER_WAY = "under-way"


class ActionRefusedError(Exception):
    """An action that is not done: `code` as in docs/http_api.md, `key` of its text (services/web/texts) and the words in that."""

    def __init__(self, code: ActionCode, key: str, **words: object) -> None:
        super().__init__(f"{code}: {key} {words}")
        self.code = code
        self.key = key
        self.words: Row = words


class Who(NamedTuple):
    """Who acts, in which roles, and by which request."""

    name: str
    roles: tuple[str, ...]
    request_id: str


class PlannedReplay(NamedTuple):
    """A refused event that is to be sent again, for the `number`th time: the refusal's service and id, and the event.

    `is_numbered`: it is a payment whose id is taken, so that what is sent says the number, and takes an id of its own.
    `digest`: of its data, to tell it from mended data under the same id; empty where it could not be read, or is of an earlier version.
    """

    service: str
    refusal: str
    event: EventRef
    number: int
    is_numbered: bool = False
    digest: bytes = b""


class PlannedDiscard(NamedTuple):
    """An event whose waiting is to be given up by a service."""

    service: str
    event: EventRef


class ReplacedVersion(NamedTuple):
    """The version of an entity of the reference data that an action replaces: its key, and its position (0: there was none)."""

    entity: str
    position: int


@dataclass(frozen=True, slots=True)
class ActionPlan:
    """What carrying out an action does: refused events are replayed, records sent, waits given up, and states of refusals noted.

    `replaces`: it may be done only where nobody else replaces the same version.
    """

    replays: tuple[PlannedReplay, ...] = ()
    records: tuple[Record, ...] = ()
    discards: tuple[PlannedDiscard, ...] = ()
    states: Mapping[str, RefusalState] = field(default_factory=dict)
    replaces: ReplacedVersion | None = None

    @property
    def answered(self) -> tuple[PlannedReplay, ...]:
        """What is sent of which it is told what came of it, as if all of it were replays; reference data is told of by its versions."""
        records = [each for each in self.records if base_topic(each.topic) != Topic.REFERENCE]
        return (*self.replays, *(PlannedReplay("", "", _sent(each), 0) for each in records))

    def as_row(self) -> Row:
        """The plan as an object."""
        return {
            "replays": [
                [each.service, each.refusal, *each.event, each.number, each.is_numbered, each.digest.hex()] for each in self.replays
            ],
            "records": [_record_row(each) for each in self.records],
            "discards": [[each.service, *each.event] for each in self.discards],
            "states": {refusal: state.value for refusal, state in self.states.items()},
            "replaces": None if self.replaces is None else list(self.replaces),
        }


def plan_of(row: Mapping[str, Any]) -> ActionPlan:
    """The plan that an object says."""
    return ActionPlan(
        tuple(
            PlannedReplay(service, refusal, EventRef(source, id_), number, is_numbered, bytes.fromhex("".join(digest)))
            for service, refusal, source, id_, number, is_numbered, *digest in row["replays"]
        ),
        tuple(_record(each) for each in row["records"]),
        tuple(PlannedDiscard(service, EventRef(source, id_)) for service, source, id_ in row["discards"]),
        {refusal: RefusalState(state) for refusal, state in row["states"].items()},
        ReplacedVersion(*row["replaces"]) if row.get("replaces") else None,
    )


def _sent(record: Record) -> EventRef:
    """The event of a record, which has its attributes as headers, or is itself all of the event."""
    headers = dict(record.headers)
    if "ce_id" in headers:
        return EventRef(headers["ce_source"].decode(), headers["ce_id"].decode())
    event = orjson.loads(record.value or b"{}")
    return EventRef(event["source"], event["id"])


def _record_row(record: Record) -> Row:
    """Records that are made here are text: JSON, and attributes in UTF-8."""
    headers = [[name, value.decode()] for name, value in record.headers]
    return {"topic": record.topic, "key": (record.key or b"").decode(), "value": (record.value or b"").decode(), "headers": headers}


def _record(row: Row) -> Record:
    headers = tuple((name, value.encode()) for name, value in row["headers"])
    return Record(row["topic"], row["key"].encode(), row["value"].encode(), headers)


@dataclass(frozen=True, slots=True)
class ImportedFile:
    """A file whose rows an action sends, as it came: its name, its content, what its rows mean, and what became of each.

    `companies`: whose books its rows are about, those that are not sent too; None: of some that cannot be told.
    """

    name: str
    content: bytes
    mapping: Row
    rows: tuple[Row, ...]
    companies: tuple[str, ...] | None

    @property
    def sha256(self) -> bytes:
        """The digest of the content."""
        return hashlib.sha256(self.content).digest()

    @property
    def counts(self) -> dict[str, int]:
        """How many rows there are of each state."""
        return dict(sorted(Counter(row["state"] for row in self.rows).items()))


@dataclass(frozen=True, slots=True)
class Draft:
    """An action that somebody asks for. `companies`: whose books it concerns; None: the whole group's."""

    verb: Verb
    target: Row
    companies: tuple[str, ...] | None
    plan: ActionPlan
    before: Any = None
    after: Any = None
    about: tuple[EventRef, ...] = ()
    """Events that it is about and does nothing with, as when a refusal is dismissed."""
    file: ImportedFile | None = None
    """The file that it imports, which is kept with it."""

    def events(self) -> frozenset[EventRef]:
        """Every event that it is about: those that it sends, replays or discards too."""
        plan = self.plan
        orders: tuple[PlannedReplay | PlannedDiscard, ...] = (*plan.replays, *plan.discards)
        return frozenset((*self.about, *(each.event for each in orders), *(_sent(each) for each in plan.records)))


@dataclass(frozen=True, slots=True)
class Decided:
    """What was decided about a proposal, by whom, when and why."""

    decision: Decision
    who: Who
    at: datetime
    reason: str


@dataclass(frozen=True, slots=True)
class Action:
    """An action as it is kept; `outcome`: what came of carrying it out, and by whom, the last time that was tried.

    `decided` is what was decided; `decided_again` says who approved it once more after it had failed or broken off.
    """

    id: str
    at: datetime
    who: Who
    reason: str
    draft: Draft
    state: ActionState
    decided: Decided | None = None
    outcome: Any = None
    decided_again: tuple[Decided, ...] = ()

    def as_row(self) -> Row:
        """The action as an object, without its plan."""
        return {
            "id": self.id,
            "at": instant(self.at),
            "actor": self.who.name,
            "roles": list(self.who.roles),
            "request_id": self.who.request_id,
            "verb": self.draft.verb.value,
            "target": self.draft.target,
            "companies": None if self.draft.companies is None else list(self.draft.companies),
            "reason": self.reason,
            "before": self.draft.before,
            "after": self.draft.after,
            "state": self.state.value,
            "decided_by": None if self.decided is None else _decided_row(self.decided),
            "decided_again": [_decided_row(each) for each in self.decided_again],
            "outcome": self.outcome,
        }


def _decided_row(decided: Decided) -> Row:
    said = {"decision": decided.decision.value, "actor": decided.who.name, "roles": list(decided.who.roles)}
    return {**said, "request_id": decided.who.request_id, "at": instant(decided.at), "reason": decided.reason}


def first_state(verb: Verb, *, four_eyes: bool) -> ActionState:
    """How an action begins: as a proposal where somebody else has to approve it."""
    return ActionState.PROPOSED if four_eyes and verb in NEED_APPROVAL else ActionState.BEGUN


def check_decision(action: Action, decision: Decision, decider: str) -> None:
    """ActionRefusedError (already-decided, own-proposal) if this person may not decide so about an action now."""
    if action.state is not ActionState.PROPOSED:
        raise ActionRefusedError(ActionCode.ALREADY_DECIDED, "decided-already", id=action.id, state=action.state.value)
    if action.who.name == decider and decision is Decision.APPROVED:
        raise ActionRefusedError(ActionCode.OWN_PROPOSAL, "proposal-of-own", name=decider)


def is_to_be_repeated(action: Action, decider: str) -> bool:
    """Whether approving an action once more carries it out again: it failed, or broke off under the same approver."""
    if action.decided is None or action.decided.decision is not Decision.APPROVED or action.who.name == decider:
        return False
    approvers = {each.who.name for each in (action.decided, *action.decided_again)}
    return action.state is ActionState.FAILED or (action.state is ActionState.BEGUN and decider in approvers)


def checked_reason(reason: str) -> str:
    """The reason without blanks around it; ActionRefusedError (invalid) where it is too short, too long, or would be read otherwise."""
    text = reason.strip()
    if not SHORTEST_REASON <= len(text) <= LONGEST_REASON:
        raise ActionRefusedError(ActionCode.INVALID, "reason-length", least=SHORTEST_REASON, most=LONGEST_REASON)
    if not is_readable(text):
        raise ActionRefusedError(ActionCode.INVALID, "reason-visible", least=SHORTEST_REASON)
    return text


def is_readable(reason: str) -> bool:
    """Whether a reason is shown as it is written: enough of it is seen, and nothing in it hides, reorders or breaks what stands there.

    The joiners within words of some scripts and of emoji are not among them.
    """
    kinds = [unicodedata.category(letter) for letter in reason if letter not in _HARMLESS]
    is_seen = sum(kind[0] not in "ZCM" for kind in kinds) - sum(map(reason.count, _BLANK)) >= SHORTEST_REASON
    return is_seen and _NOT_SHOWN.isdisjoint(kinds)
