"""Every alert is caused on the running product, fires in Prometheus, its page's commands run, and it clears.

Several are caused at once where their causes go together. What is minutes in the rules is seconds here (tests.observe.stack.SHORTER).
"""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from threading import Event
from typing import TYPE_CHECKING, Final

import httpx
import pytest

from tests.observe.rules import commands, sections
from tests.observe.test_rules import ALERTS

if TYPE_CHECKING:
    from tests.observe.stack import Stack

pytestmark = pytest.mark.embedded

INVOICE: Final = {"type": "customer-invoice.posted", "company": "FABW", "account": "IC-EAST", "currency": "USD", "date": "2026-05-04"}
HOLD: Final = "select pg_advisory_xact_lock(hashtextextended('{}.batch', 0))"
LOCK: Final = "lock table inquiry.vouchers in access exclusive mode"
HELD_FOR: Final = 6.0
"""Seconds that are longer than a batch may take."""


def stack_write(stack: Stack, *statements: str) -> None:
    """Somebody writes in the database, and is done."""
    with stack.transaction(*statements):
        pass


class Timed:
    """What was caused, how, and how many seconds it took to fire and to clear."""

    def __init__(self) -> None:
        self.rows: dict[str, tuple[str, float, float]] = {}
        self.fired: dict[str, float] = {}

    def cleared(self, how: str, seconds: dict[str, float]) -> None:
        """Notes alerts that have cleared."""
        self.rows |= {name: (how, self.fired[name], after) for name, after in seconds.items()}

    def table(self) -> str:
        """As Markdown."""
        lines = [f"| `{name}` | {self.rows[name][0]} | {self.rows[name][1]:.0f} | {self.rows[name][2]:.0f} |" for name in ALERTS]
        return "\n".join(["| alert | caused by | fired after s | cleared after s |", "|---|---|---|---|", *lines, ""])


@pytest.fixture(scope="module")
def timed() -> Timed:
    return Timed()


def follow_the_page(stack: Stack, *names: str) -> None:
    """Runs the commands of the alerts' sections: each says something, and none of them fails in a way of its own."""
    for name in names:
        for line in commands(sections()[name]):
            result = stack.command(*line.split()[1:])
            assert result.exit_code in {0, 1}, (line, result.output, result.exception)
            assert result.exception is None or isinstance(result.exception, SystemExit), (line, result.exception)
            assert result.output.strip(), line


def test_what_waits_is_refused_put_aside_or_differs(stack: Stack, timed: Timed) -> None:
    """PeriodHolds, WaitingTooLong, RefusalsRising, MessagesPutAside, BooksDisagree, PairDiffers."""
    caused = {
        "PeriodHolds": "an invoice dated in a closed period",
        "WaitingTooLong": "the same invoice",
        "RefusalsRising": "eight events sent again under their id with another amount",
        "MessagesPutAside": "a row in the table `failed`",
        "BooksDisagree": "what is open of a document changed in inquiry's table",
        "PairDiffers": "what two companies owe each other changed in inquiry's table",
    }
    period = {"company": "FABW", "from": "2026-02-01", "to": "2026-02-28"}
    stack.publish(
        {**period, "id": "close", "type": "period.closed"}, {**INVOICE, "id": "P", "document": "P", "amount": "1.00", "date": "2026-02-03"}
    )
    twice = [{**INVOICE, "id": f"R-{number}", "document": f"R-{number}"} for number in range(8)]
    stack.publish(*({**each, "amount": "1.00"} for each in twice))
    stack.publish(*({**each, "amount": "2.00"} for each in twice[:2]))
    stack_write(
        stack,
        'insert into posting.failed (direction, topic, partition, "offset", value, headers, error)'
        " values ('in', 'intercompany.settlements', 0, 999, '{}', '[]', 'a test')",
        "update inquiry.documents set open = open + 1 where document = 'VI-7'",
        "update inquiry.between_months set debit = debit + 1 where company = 'FAB' and posting_type = 'due_from'",
    )
    stack.until(lambda: stack.query('intercompany_refusals_total{code="conflicting-duplicate"}'))
    stack.publish(*({**each, "amount": "2.00"} for each in twice[2:]))
    timed.fired |= stack.until_firing(caused)
    follow_the_page(stack, *caused)
    stack.publish({**period, "id": "open", "type": "period.opened"})
    stack_write(
        stack,
        "delete from posting.failed",
        "update inquiry.documents set open = open - 1 where document = 'VI-7'",
        "update inquiry.between_months set debit = debit - 1 where company = 'FAB' and posting_type = 'due_from'",
    )
    cleared = stack.until_clear(caused)
    for name, how in caused.items():
        timed.cleared(how, {name: cleared[name]})


def test_batches_that_hang(stack: Stack, timed: Timed) -> None:
    """ConsumerLagGrowing, InquiryBehind, PoolExhausted while they do, BatchSlow and EndToEndSlow afterwards."""
    meanwhile, slow = ("ConsumerLagGrowing", "InquiryBehind", "PoolExhausted"), ("BatchSlow", "EndToEndSlow")
    stack.publish({**INVOICE, "id": "K", "document": "K", "amount": "1.00"})  # what is held up is not the first event of its kind
    with stack.transaction(*(HOLD.format(each) for each in ("posting", "inquiry")), LOCK), ThreadPoolExecutor(8) as asking:
        stack.publish({**INVOICE, "id": "L", "document": "L", "amount": "1.00"})
        gone = Event()
        for _ in range(8):
            asking.submit(_look_until, gone, f"http://127.0.0.1:{stack.ports['http']}/v1/vouchers")
        try:
            timed.fired |= stack.until_firing(meanwhile)
            time.sleep(HELD_FOR)
        finally:
            gone.set()
    timed.cleared("somebody holds the locks of posting's and inquiry's batches, and a table that pages read", stack.until_clear(meanwhile))
    timed.fired |= stack.until_firing(slow)
    follow_the_page(stack, *meanwhile, *slow)
    timed.cleared("the same, once it is let go", stack.until_clear(slow))


def _look_until(gone: Event, address: str) -> None:
    """Somebody who looks at vouchers, again and again."""
    while not gone.is_set():
        with suppress(httpx.HTTPError):
            httpx.get(address, timeout=30)


def test_a_broker_that_hangs(stack: Stack, timed: Timed) -> None:
    """BrokerAway, and OutboxStuck: what waits is announced while nothing can be sent."""
    mark = {"company": "FABE", "document": "never"}
    payment = {**INVOICE, "type": "vendor-payment.posted", "company": "FAB", "account": "IC-WEST", "settle": [mark]}
    stack.publish({**payment, "id": "W", "document": "W", "amount": "1.00"})
    stack.until(lambda: stack.query('intercompany_waiting_events{for="document"} > 0'))
    stack.broker.pause()
    try:
        timed.fired |= stack.until_firing(("BrokerAway", "OutboxStuck"))
        follow_the_page(stack, "BrokerAway")
    finally:
        stack.broker.resume()
    cleared = stack.until_clear(("BrokerAway", "OutboxStuck"))
    follow_the_page(stack, "OutboxStuck")
    timed.cleared("the broker is stopped in its work (SIGSTOP)", {"BrokerAway": cleared["BrokerAway"]})
    timed.cleared("the same, while a payment's wait is announced", {"OutboxStuck": cleared["OutboxStuck"]})


def test_a_database_that_is_gone(stack: Stack, timed: Timed) -> None:
    """DatabaseAway, and with it ServiceNotReady."""
    names = ("DatabaseAway", "ServiceNotReady")
    stack.cluster.stop()
    try:
        timed.fired |= stack.until_firing(names)
        follow_the_page(stack, *names)
    finally:
        stack.cluster.start()
    timed.cleared("the database server is stopped", stack.until_clear(names))


def test_a_process_that_is_gone(stack: Stack, timed: Timed) -> None:
    """CheckNotRun: nobody compares the books while inquiry is away."""
    stack.end("inquiry")
    try:
        timed.fired |= stack.until_firing(("CheckNotRun", "ServiceNotReady"))
        follow_the_page(stack, "CheckNotRun")
    finally:
        stack.run("inquiry")
    timed.cleared("the inquiry service is stopped", stack.until_clear(("CheckNotRun",)))
    stack.until_clear(("ServiceNotReady",))


def test_every_alert_was_caused(timed: Timed, capsys: pytest.CaptureFixture[str]) -> None:
    assert timed.rows.keys() == set(ALERTS)
    with capsys.disabled():
        print("\n" + timed.table())  # noqa: T201 - how long it took is said, not tested
