"""What must hold when a storm is over: of every unit that was sent, of what was told, and of the books as a whole.

Invariant: nothing is sampled. Every unit came to exactly what the pure simulation makes of it, in one of the orders in which its events
can have arrived; every event is in the broker's log; the vouchers that were told are those in the books, each under one id. Problems
are in words, the first few of each kind.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import TYPE_CHECKING, Final

from services.desk.chain_check import check_chain
from services.desk.inquiry_check import check_inquiry
from services.desk.reconciliation import reconcile
from services.desk.schemas import load_rejections, open_schemas
from services.desk.waiting import waiting
from services.local.queries import first_failure
from services.posting import queries as posting_queries
from services.registry import PROCESSES
from services.settlement import queries as settlement_queries
from tests.containers.storm import outcome
from tests.containers.storm.log import INBOUND, OWN, Log, ids_of, read_log

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable

    from services.desk.schemas import Schemas
    from shared.settings import Settings
    from tests.containers.storm.load import Load
    from tests.containers.storm.outcome import Entry, Expected, Outcome

_SHOWN: Final = 5
_ALL: Final = 1 << 128


@dataclass(slots=True)
class Findings:
    """What is wrong, and what was counted: vouchers in the books, refusals, events that wait, records that came more than once."""

    problems: list[str] = field(default_factory=list)
    counts: dict[str, int] = field(default_factory=dict)


async def findings(settings: Settings, load: Load, expected: Expected, units: int) -> Findings:
    """Looks at everything, the services at rest; `units`: how many were sent and acknowledged."""
    found = Findings()
    async with open_schemas(settings) as schemas:
        books = Books(schemas)
        sums = await books.sums()
        different = [number for number in range(units) if not _is_right(sums.pop(number, 0), expected, number)]
        found.problems += [f"unit {number} was never sent and is in the books" for number in sorted(sums)[:_SHOWN]]
        found.problems += await _shown(books, expected, different)
        found.problems += await _books_as_a_whole(schemas)
        found.counts |= books.counts
    log = await read_log(settings)
    found.problems += _not_in_the_log(log, load, units) + _told_wrongly(log, books.vouchers)
    found.counts |= {
        "events in the broker's log": log.records(INBOUND),
        "events there more than once": log.records(INBOUND) - log.events(INBOUND),
        "messages of the services": log.records(OWN),
        "messages there more than once": log.records(OWN) - log.events(OWN),
    }
    return found


class Books:
    """What the services' tables have, entry by entry, as it is summed up by unit. `vouchers`: company and number of each."""

    def __init__(self, schemas: Schemas) -> None:
        self._schemas = schemas
        self.vouchers: set[tuple[str, str]] = set()
        self.counts: dict[str, int] = {}

    async def sums(self) -> dict[int, int]:
        """By unit: the sum of the digests of all its entries. It is right if every entry is there as often as it should be."""
        sums: defaultdict[int, int] = defaultdict(int)
        async for number, text in self.entries():
            sums[number] = (sums[number] + _digest(text)) % _ALL
        return sums

    async def of(self, numbers: Iterable[int]) -> dict[int, Outcome]:
        """The entries of these units."""
        found: dict[int, Outcome] = {number: Counter() for number in numbers}
        async for number, text in self.entries():
            if number in found:
                found[number][text] += 1
        return found

    async def entries(self) -> AsyncIterator[Entry]:
        """All entries of all units."""
        async with self._schemas.of("posting") as posting:
            async for page in posting_queries.voucher_pages(posting):
                self.vouchers.update((each.company, each.voucher) for each in page)
                for voucher in page:
                    yield outcome.of_voucher(voucher)
        async with self._schemas.of("settlement") as settlement:
            async for document in settlement_queries.documents(settlement):
                yield outcome.of_document(document)
            async for records in settlement_queries.record_pages(settlement):
                for record in records:
                    yield outcome.of_record(record)
        refused = {outcome.of_refusal(each) for each in await load_rejections(self._schemas)}
        waits = {outcome.of_wait(item.event, item.reason, item.key) async for item, _ in waiting(self._schemas)}
        self.counts = {"vouchers in the books": len(self.vouchers), "refusals": len(refused), "events that wait": len(waits)}
        for entry in (*refused, *waits):
            yield entry


def _digest(text: str) -> int:
    return int.from_bytes(blake2b(text.encode(), digest_size=16).digest(), "big")


def _sum(outcome_: Outcome) -> int:
    return sum(_digest(text) * often for text, often in outcome_.items()) % _ALL


def _is_right(sum_: int, expected: Expected, number: int) -> bool:
    return sum_ == _sum(expected.in_order(number)) or sum_ in map(_sum, expected.in_any_order(number))


async def _shown(books: Books, expected: Expected, different: list[int]) -> list[str]:
    """How many units are wrong, and of the first ones what is missing and what is too much."""
    if not different:
        return []
    lines = [f"{len(different)} units came to something else, the first: {', '.join(map(str, different[:20]))}"]
    for number, found in (await books.of(different[:_SHOWN])).items():
        nearest = min(expected.in_any_order(number), key=lambda right, found=found: (right - found).total() + (found - right).total())  # type: ignore[misc]
        lines += [f"unit {number} lacks {text}" for text in sorted((nearest - found).elements())]
        lines += [f"unit {number} has too much {text}" for text in sorted((found - nearest).elements())]
    return lines


async def _books_as_a_whole(schemas: Schemas) -> list[str]:
    """The reconciler's checks, inquiry's identities, the chains of vouchers, and what any service has put aside."""
    problems = [f"{check.name}: {problem}" for check in await reconcile(schemas) for problem in check.problems[:_SHOWN]]
    problems += [f"inquiry, {check.name}: {row}" for check in await check_inquiry(schemas) for row in check.problems[:_SHOWN]]
    problems += [f"chain, {each.company} {each.voucher}: {each.message}" for each in (await check_chain(schemas)).findings[:_SHOWN]]
    for service in PROCESSES:
        async with schemas.of(service.name) as connection:
            failure = await first_failure(connection, schemas.settings.schema_name(service.name))
            problems += [f"{service.name} failed on a message: {failure}"] if failure is not None else []
    return problems


def _not_in_the_log(log: Log, load: Load, units: int) -> list[str]:
    there = {id_ for topic in INBOUND for id_ in log.ids[topic]}
    sent = {id_ for number in range(units) for record in load.unit(number).records for id_ in ids_of(record.topic, record)}
    problems = [f"the broker acknowledged {id_!r} and does not have it" for id_ in sorted(sent - there)[:_SHOWN]]
    return problems + [f"the broker has {id_!r}, which was never sent" for id_ in sorted(there - sent)[:_SHOWN]]


def _told_wrongly(log: Log, vouchers: set[tuple[str, str]]) -> list[str]:
    problems = [f"{each} is in the books and was never told" for each in sorted(vouchers - log.told.keys())[:_SHOWN]]
    problems += [f"{each} was told and is not in the books" for each in sorted(log.told.keys() - vouchers)[:_SHOWN]]
    return problems + [f"{each} was told as {len(ids)} vouchers" for each, ids in sorted(log.told.items()) if len(ids) > 1][:_SHOWN]
