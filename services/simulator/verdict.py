"""Whether everything came out right: the books after a run, held against what its events must have had as effects.

Invariant: each check is sound for any run: it holds however the events were ordered, repeated and delayed. What a service did is
judged by its core folded again, in memory, over what it took in the order in which the database committed it; that each event was
taken, and once, by what is in the topics; what the services sent, by what the cores say; and where order cannot matter the books are
those of the pure simulation of the scenario.
"""

from __future__ import annotations

import json
import re
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from services.desk.chain_check import check_chain
from services.desk.reconciliation import reconcile
from services.desk.rows import BooksOfAll, collect
from services.desk.schemas import SchemaMissingError, load_books
from services.desk.under_way import BETWEEN, Left, UnderWay
from services.registry import SERVICES
from services.scenarios.simulation import simulate
from services.simulator.balances import balances
from services.simulator.queries import gone_back, inbox
from shared.delivery.announcing import RESUMED, WAITING
from shared.delivery.folding import Candidate, candidates, decoded, fold_alone, fold_batch
from shared.delivery.inbox import Inbox
from shared.delivery.ports import Encoded
from shared.delivery.refusals import conflicting, unreadable
from shared.events.attributes import ref_said, type_said
from shared.events.bundles import own_event
from shared.events.codec import encode
from shared.events.emitting import REJECTED
from shared.events.envelope import Message, Record, Unreadable

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable, Sequence

    from services.desk.under_way import Hop
    from services.simulator.cluster import Cluster
    from services.simulator.history import Noted
    from services.simulator.seeds import Arena
    from services.simulator.workload import DrawnWorkload
    from shared.delivery.ports import Connection, Partition
    from shared.delivery.service import AnyService
    from shared.events.envelope import Outgoing

_MOST_SAID: Final = 5
"""Problems of one kind that are said."""
_OF_TIME: Final = frozenset({WAITING, RESUMED})
"""What is said because time has passed: no core says it."""
_AMOUNT: Final = re.compile(rb'"(-?[0-9]+\.[0-9]+)"')


@dataclass
class Refolded:
    """A service's core folded over what it took: its books, the ids that are taken, what it says in its order."""

    service: AnyService
    books: Any
    inbox: Inbox = field(default_factory=Inbox)
    sent: list[Outgoing] = field(default_factory=list)
    taken: set[tuple[str, bytes]] = field(default_factory=set)
    without_id: set[str] = field(default_factory=set)
    handed_on: set[str] = field(default_factory=set)
    """What it says of events that it does not remember: the same again, under a key that later reference data may give."""
    problems: list[str] = field(default_factory=list)


class _Schemas:
    """The services' schemas for the reconciler, on connections that are open."""

    def __init__(self, arena: Arena) -> None:
        self._arena = arena

    @asynccontextmanager
    async def of(self, service: str) -> AsyncIterator[Connection]:
        """A connection to a service's schema, in a transaction; SchemaMissingError for inquiry, which does not run."""
        schema = self._arena.schemas.get(service)
        if schema is None:
            raise SchemaMissingError(service)
        raw = self._arena.server.take(schema)
        try:
            async with raw.transaction():
                yield raw
        finally:
            self._arena.server.give_back(schema, raw)

    @asynccontextmanager
    async def moment_of(self, service: str) -> AsyncIterator[Connection]:
        """The same: nothing changes any more."""
        async with self.of(service) as connection:
            yield connection


class _AtRest(UnderWay):
    """Nothing is under way between the services any more."""

    async def passed(self, hops: Sequence[Hop] = BETWEEN) -> Left:  # noqa: ARG002 - the reconciler's
        """All of it has arrived."""
        return Left()

    async def not_noticed(self) -> list[str]:
        """A log that was reset and has no record yet need not be noticed."""
        return []


def judge(arena: Arena, cluster: Cluster, workload: DrawnWorkload) -> list[str]:
    """What is wrong after a run; empty: nothing."""
    schemas: Any = _Schemas(arena)
    for service in SERVICES:  # no connection is made once the loop is running
        arena.server.give_back(arena.schemas[service.name], arena.server.take(arena.schemas[service.name]))
    problems = [
        f"{check.name}: {problem}" for check in arena.server.run(reconcile(schemas, _AtRest(schemas))) for problem in check.problems
    ]
    problems += [f"{each.company} {each.voucher}: {each.message}" for each in arena.server.run(check_chain(schemas)).findings]
    problems += cluster.history.too_early
    problems += arena.server.run(_positions_gone_back(schemas))
    refolded = [_refold(service, acts) for service, acts in zip(SERVICES, cluster.history.committed, strict=True)]
    handed_on = {id_ for each in refolded for id_ in each.handed_on}
    for each in refolded:
        problems += each.problems
        problems += _is_taken(each, cluster)
        problems += _is_sent(each, cluster, handed_on)
    books = arena.server.run(load_books(schemas))
    problems += _same_books(books, BooksOfAll(*(each.books for each in refolded)))
    problems += arena.server.run(_inboxes(schemas, refolded))
    if workload.is_comparable:
        problems += _as_simulated(books, workload)
    return problems


async def _positions_gone_back(schemas: _Schemas) -> list[str]:
    """Where a service was said to have read less than before: by one that no longer owns the partition."""
    problems = []
    for service in SERVICES:
        async with schemas.of(service.name) as connection:
            problems += [f"{service.name} went back in {place}" for place in await gone_back(connection)]
    return problems[:_MOST_SAID]


def _refold(service: AnyService, acts: Iterable[Noted]) -> Refolded:
    refolded = Refolded(service, service.new_books())
    for act, sequence in acts:
        refolded.books.sequence = sequence
        refolded.books.commit()
        if isinstance(act, Message):
            _fold_message(refolded, act)
        else:
            resume: Any = service.resume_released
            refolded.sent += fold_alone(refolded.books, refolded.inbox, partial(resume, refolded.books, act[1])).outgoing
            refolded.books.commit()
    return refolded


def _fold_message(refolded: Refolded, message: Message) -> None:
    """Folds it as it is read again: what the service has in memory of it may have been changed since."""
    service = refolded.service
    record = message.record
    event = decoded(service, replace(record)) if record else message
    name = f"{message.type} {message.ref.source} {message.ref.id}"
    if not isinstance(event, Message):
        refolded.problems.append(f"{service.name} folded {name}, which cannot be read")
        return
    event.arrived = message.arrived
    identity = service.identity(event)
    folded = fold_batch(service, refolded.books, refolded.inbox, [event])
    if folded.taken != 1:
        refolded.problems.append(f"{service.name} folded {name} although its id was taken")
    if folded.defect is not None:
        refolded.problems.append(f"{service.name} failed on {name}: {folded.defect[1]!r}")
    refolded.books.commit()
    refolded.sent += folded.outgoing
    if identity:
        refolded.taken.add(_key(candidates(service, [event])[0]))
    else:
        refolded.without_id.add(message.ref.id)
        refolded.handed_on |= {each.ref.id for each in folded.outgoing}


def _key(candidate: Candidate) -> tuple[str, bytes]:
    key, digest = candidate.identity or ("", b"")
    return key, digest


def _read(refolded: Refolded, cluster: Cluster) -> list[Candidate]:
    """All that was ever in the topics that a service reads and that concerns it."""
    records = [
        Record(place.topic, each.key, each.value, each.headers, place.number)
        for place, written in cluster.broker.written.items()
        if place.topic in refolded.service.subscriptions
        for each in written
    ]
    return [found for record in records for found in candidates(refolded.service, [decoded(refolded.service, record)])]


def _is_taken(refolded: Refolded, cluster: Cluster) -> list[str]:
    """Whether every event of the topics was folded, or lost its id to another one, or was refused unread."""
    lost: list[str] = []
    for found in _read(refolded, cluster):
        event = found.event
        if isinstance(event, Unreadable):
            continue
        is_taken = event.ref.id in refolded.without_id
        if found.identity:
            is_taken = _key(found) in refolded.taken or refolded.inbox.digest(found.identity[0]) is not None
        if not is_taken:
            lost.append(f"{refolded.service.name} never took {event.type} {event.ref.source} {event.ref.id}")
    return lost[:_MOST_SAID]


def _is_sent(refolded: Refolded, cluster: Cluster, handed_on: set[str]) -> list[str]:
    """Whether the topics have what the core says, each id with one content, and in the order in which it was decided.

    `handed_on`: what services have said of events that they do not remember.
    """
    service, broker = refolded.service, cluster.broker
    allowed = {each.ref.id for each in refolded.sent} | _answers(refolded, cluster)
    order = {each.ref.id: number for number, each in reversed(list(enumerate(refolded.sent)))}
    said: dict[str, Encoded] = {}
    problems: list[str] = []
    for place in broker.logs:
        if place.topic in service.publishes:
            problems += _first_in_order(service, place, broker.written[place], order, said, handed_on)
    problems += [f"{service.name} sent {id_}, which nothing says" for id_ in said if id_ not in allowed][:_MOST_SAID]
    problems += [f"{service.name} never sent {each.type} {each.ref.id}" for each in refolded.sent if each.ref.id not in said][:_MOST_SAID]
    contents = {each.ref.id: each for each in refolded.sent if each.type != REJECTED}
    problems += [
        f"{service.name} sent {each.type} {id_} with another content than its core says"
        for id_, each in contents.items()
        if id_ in said and _plain(_data(Encoded(each.topic, *encode(each)))) != _plain(_data(said[id_]))
    ][:_MOST_SAID]
    return problems


def _plain(value: bytes) -> Any:
    """A message's data with amounts as numbers: `0.0` and `0.00` say the same."""
    return json.loads(_AMOUNT.sub(lambda found: b'"' + (found[1].rstrip(b"0").rstrip(b".") or b"0") + b'"', value))


def _data(message: Encoded) -> bytes:
    """A message's data, in whichever binding."""
    event = own_event(Record(*message))
    return message.value if event is None else bytes(event.data)


def _without_time(message: Encoded) -> Any:
    """A message's data; of a refusal without its time: the same event refused once more is the same refusal, later."""
    if type_said(Record(*message)) != REJECTED:
        return _data(message)
    return {name: value for name, value in json.loads(message.value).items() if name != "at"}


def _answers(refolded: Refolded, cluster: Cluster) -> set[str]:
    """The refusals that come of what cannot be read and of ids that were taken by others."""
    service, ids = refolded.service, set[str]()
    for found in _read(refolded, cluster):
        event = found.event
        if isinstance(event, Unreadable):
            handed_on = service.hand_on_unreadable(event) if service.hand_on_unreadable else None
            ids.add((handed_on or unreadable(service, event)).ref.id)
        ids.add(conflicting(service, event).ref.id)
    return ids


def _first_in_order(  # noqa: PLR0913 - all that a topic's messages are compared with
    service: AnyService, place: Partition, written: Iterable[Encoded], order: dict[str, int], said: dict[str, Encoded], handed_on: set[str]
) -> list[str]:
    problems: list[str] = []
    last = -1
    for each in written:
        record = Record(*each)
        source, id_ = ref_said(record)
        if source != service.source or type_said(record) in _OF_TIME:
            continue
        if id_ in said:
            has_its_key = said[id_].key == each.key or bool({id_, _cause(each)} & handed_on)
            if _without_time(said[id_]) != _without_time(each) or not has_its_key:
                problems.append(f"{service.name} sent {id_} with two contents")
            continue
        said[id_] = each
        number = order.get(id_, last)
        if number < last:
            problems.append(f"{service.name} sent {id_} to {place.topic} {place.number} after what was decided later")
        last = max(last, number)
    return problems[:_MOST_SAID]


def _cause(message: Encoded) -> str:
    """The id of the event that a message follows from: what is refused is refused on the key that it came on."""
    return dict(message.headers).get("ce_causationid", b"").decode()


def _same_books(live: BooksOfAll, folded: BooksOfAll) -> list[str]:
    """Whether the tables have, row by row, what the cores make of what the services took: what waits and holds back included."""
    problems: list[str] = []
    for service, here, there in zip(SERVICES, live, folded, strict=True):
        for mine, theirs in zip(here.tables, there.tables, strict=True):
            rows, right = mine.by_key(), theirs.by_key()
            keys = [key for key in {**rows, **right} if _as_kept(rows.get(key)) != _as_kept(right.get(key))]
            problems += [f"{service.name}, {mine.name} {key}: {rows.get(key)} in the tables, not {right.get(key)}" for key in keys[:1]]
    return problems


def _as_kept(row: Any) -> Any:
    """A row as the tables keep it: of a message that waits not the record that it came in."""
    message = getattr(row, "message", None)
    if not isinstance(message, Message):
        return row
    return row._replace(message=replace(message, record=None, reference_offset=0, as_written=b""))


async def _inboxes(schemas: Any, refolded: Iterable[Refolded]) -> list[str]:
    """Whether each inbox has the ids that are taken, and no other."""
    problems: list[str] = []
    for each in refolded:
        async with schemas.of(each.service.name) as connection:
            here = await inbox(connection)
        there = {key: digest for key, digest in each.inbox.changes.items() if digest is not None}
        if here != there:
            differ = sorted({*here, *there}, key=lambda key: (here.get(key) == there.get(key), key))[:_MOST_SAID]
            problems.append(f"{each.service.name}'s inbox differs: {differ}")
    return problems


def _as_simulated(books: BooksOfAll, workload: DrawnWorkload) -> list[str]:
    """Where order cannot matter: the books are those of the simulation of the scenario."""
    live, simulated = collect("", books, [], []), simulate(workload.scenario)
    compared = {
        "open documents": (live.open, simulated.open),
        "settlement records": (_records(live.settlements), _records(simulated.settlements)),
        "sales payment journals": (live.journals, simulated.journals),
        "balances": (balances(live.vouchers), balances(simulated.vouchers)),
    }
    return [f"{name}: {here} in the tables, {there} in the simulation" for name, (here, there) in compared.items() if here != there]


def _records(rows: list[Any]) -> list[Any]:
    """Without the ids of runs, which follow from times."""
    return sorted(({name: value for name, value in row.items() if name != "settlement"} for row in rows), key=repr)
