"""How long the first byte of each page takes on many lines, beside the budget (`make first-bytes LINES=10000000 FOLDER=…`); no test.

Invariant: pages are asked of the console as it is served, over HTTP, one at a time, each time about another company, document or
event; the books are those that `make questions` has filled in the folder. The exit code is 1 where a page is over the budget at the
95th percentile.
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import sys
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Final

import httpx

from services.local.in_process import prepare
from services.registry import PROCESSES
from shared.embedded import start_backing_services
from shared.embedded.addresses import settings_on
from shared.settings import Settings
from tests.console.stage import free_port, served
from tests.live.inquiry.questions import LAST, LINES_OF_A_PAYMENT, company, filled, namespace_of, some_payment

if TYPE_CHECKING:
    from collections.abc import Callable

BUDGET: Final = 150
TIMES: Final = 30
PAYER: Final = "C0"
"""The company that pays most."""
_WITHIN: Final = 60.0


def pages(payments: int) -> dict[str, Callable[[int], str]]:
    """Each page with its address the n-th time; `payments`: how many there are."""

    def paid(number: int) -> int:
        return some_payment(number, payments)

    return {
        "home": lambda _: "/",
        "home of a company": lambda n: f"/?company={company(n)}",
        "search of a beginning": lambda n: f"/search?q=I{paid(n)}"[:12],
        "trace of an event": lambda n: f"/trace?event=P{paid(n)}",
        "trace of a document": lambda n: f"/trace?document=I{paid(n)}",
        "vouchers": lambda _: "/vouchers",
        "vouchers of a company": lambda n: f"/vouchers?company={company(n)}",
        "voucher": lambda n: f"/voucher?company={PAYER}&voucher=AR-PAY-{paid(n) // 2 * 2:06}",
        "voucher with why": lambda n: f"/voucher?company={PAYER}&voucher=AR-PAY-{paid(n) // 2 * 2:06}&why=1",
        "document": lambda n: f"/document?ledger=receivable&company={PAYER}&document=P{paid(n) // 2 * 2}",
        "intercompany matrix": lambda _: "/intercompany",
        "intercompany matrix as of a day": lambda n: f"/intercompany?as_of={LAST.replace(day=1 + n % 27)}",
        "intercompany pair": lambda n: f"/intercompany/pair?company={PAYER}&partner={company(n)}",
        "open documents": lambda _: "/open",
        "open documents of a company": lambda n: f"/open?company={company(n)}",
        "open documents by party of a company": lambda n: f"/open?by=party&company={company(n)}",
        "accounts of a company": lambda n: f"/accounts?company={company(n)}",
        "account": lambda n: f"/account?company={company(n)}&account=1000&currency=EUR",
        "simulate": lambda _: "/simulate",
        "waiting": lambda _: "/waiting",
        "refused": lambda _: "/refused",
        "approvals": lambda _: "/approvals",
        "flow": lambda _: "/flow",
        "actions": lambda _: "/actions",
        "companies": lambda _: "/companies",
        "rule book": lambda _: "/rules",
    }


def report(address: str, payments: int) -> bool:
    """Prints one line for each page; whether all are within the budget."""
    print(f"{'page':34}{'p50 ms':>9}{'p95 ms':>9}{'budget':>8}{'kB':>8}")  # noqa: T201 - a table for whoever asked
    within = True
    with httpx.Client(base_url=address, timeout=_WITHIN) as client:
        for name, of in pages(payments).items():
            found, size = [], 0
            client.get(of(0))
            for number in range(1, TIMES + 1):
                began = time.perf_counter()
                with client.stream("GET", of(number)) as answer:
                    found.append(1000 * (time.perf_counter() - began))
                    answer.read()
                    size = max(size, answer.num_bytes_downloaded)
                    if answer.status_code not in {httpx.codes.OK, httpx.codes.SEE_OTHER}:
                        sys.exit(f"{of(number)}: {answer.status_code}")
            late = sorted(found)[int(0.95 * (TIMES - 1))]
            within = within and late <= BUDGET
            remark = "" if late <= BUDGET else "  over"
            print(f"{name:34}{statistics.median(found):9,.1f}{late:9,.1f}{BUDGET:8}{size / 1000:8,.1f}{remark}", flush=True)  # noqa: T201
    return within


async def main(lines: int, folder: Path) -> bool:
    """Serves the console over the folder's books and asks for each page."""
    async with filled(folder, lines):
        pass
    async with start_backing_services(folder) as started:
        settings: Settings = settings_on(started, namespace=namespace_of(lines))
        await prepare(settings, PROCESSES)
        port, has_started, stop = free_port(), threading.Event(), asyncio.Event()
        serving = asyncio.ensure_future(served(settings, port, has_started, stop, still=False))
        await asyncio.to_thread(has_started.wait)
        try:
            return await asyncio.to_thread(report, f"http://127.0.0.1:{port}", lines // LINES_OF_A_PAYMENT)
        finally:
            stop.set()
            await serving


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--lines", type=int, default=1_000_000)
    parser.add_argument("--folder", type=Path, required=True, help="where `make questions` keeps its database")
    given = parser.parse_args()
    sys.exit(0 if asyncio.run(main(given.lines, given.folder)) else 1)
