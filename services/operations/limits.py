"""The table of what is bounded, by how much, and what happens beyond it: docs/architecture/limits.md, from the limits themselves.

Invariant: every figure is read from the constant that the program obeys, so the page cannot be wrong; a test holds it equal.
`python -m services.operations.limits` prints the page.
"""

from __future__ import annotations

import sys
from typing import Final, NamedTuple

from services.desk import rows
from services.files.imports import bounds
from services.posting import queries
from services.settlement import settling_order, stored_pages
from services.settlement.rules import reversals
from services.settlement.rules.run import messages, pairing
from shared import working_set
from shared.delivery import batch, bundling, housekeeping, loading, relay, shell_tables, weight
from shared.events import bindings, bundles, refusal, showing, values
from shared.kafka import inflating, limited_records
from shared.postgresql import database
from shared.runtime import health, http_server


class Limit(NamedTuple):
    """A row: what is bounded, by how much, and what happens beyond."""

    what: str
    most: str
    beyond: str


_KIB: Final = 1024
_MIB: Final = 1024 * _KIB

_INVALID: Final = "refused as `invalid`, named"
_MALFORMED: Final = "refused as `malformed`, with its size"
_TOO_MANY_HEADERS: Final = (
    f"refused as `malformed`, with their number; of a record above {limited_records.COUNTED_FROM // _KIB} KiB none is built"
)

LIMITS: Final[dict[str, tuple[Limit, ...]]] = {
    "What is sent to us": (
        Limit("a record on an inbound topic", f"{bindings.LARGEST_INBOUND // _MIB} MiB", _MALFORMED),
        Limit(
            "a batch of records, inflated",
            f"{inflating.LARGEST_INFLATED // _MIB} MiB",
            "refused as `malformed`, with the offsets that were not read",
        ),
        Limit("what one read takes of a service's partitions", f"{limited_records.LARGEST_READ // _MIB} MiB", "the next read"),
        Limit("headers of a record", f"{bindings.MOST_HEADERS:,}", _TOO_MANY_HEADERS),
        Limit("an id", f"{values.ID_LENGTH} characters", _INVALID),
        Limit("lines of an invoice", f"{values.MOST_LINES:,}", _INVALID),
        Limit("marks of a payment or request", f"{values.MOST_MARKS:,}", _INVALID),
        Limit("dimensions of a document, or of a line", f"{values.LARGEST_DIMENSIONS // _KIB} KiB", _INVALID),
        Limit("dimensions and text that the lines of one voucher repeat", f"{values.LARGEST_REPEATED // _MIB} MiB", _INVALID),
        Limit("cash discounts of an invoice", f"{values.MOST_CASH_DISCOUNTS:,}", _INVALID),
        Limit("errors that are looked at in one event", f"{refusal.MOST_ERRORS:,}", "the first is named, the others are not counted"),
        Limit("of a refused event shown", f"{showing.LARGEST_SHOWN // _KIB} KiB", "its beginning and `datalength`"),
    ),
    "What we send": (
        Limit("a message", f"{values.LARGEST_MESSAGE // _MIB} MiB", "kept in the table `failed`, the others go out"),
        Limit(
            "events for our own services in one record",
            f"{bundles.MOST_EVENTS}, {bundling.LARGEST // _KIB} KiB",
            "the next record, one at least",
        ),
        Limit("records of a run in one message", f"{messages.MOST_RECORDS_SAID:,}", "the next message"),
        Limit(
            "a run that asks for sales payment journals",
            "one message",
            "refused as `invalid`, scope settlement; an automatic run ends earlier, a further one takes up what is left",
        ),
        Limit("records of a reversal in one message", f"{reversals.MOST_REVERSED_SAID:,}", "the next message"),
        Limit(
            "decided batches in memory",
            f"{relay.MOST_WAITING}, {relay.MOST_WAITING_BYTES // _MIB} MiB",
            "the consumer waits; the table `outbox` has all of them",
        ),
        Limit(
            "rows of the outbox read at once",
            f"{relay.MOST_ROWS}, {relay.MOST_ROW_BYTES // _MIB} MiB compressed",
            "the next read, one row at least",
        ),
    ),
    "One transaction": (
        Limit("events", f"{weight.MOST_RECORDS:,}", "the next transaction"),
        Limit("their bytes", f"{weight.MOST_BYTES // _MIB} MiB", "the next transaction; one record at least"),
        Limit("entries of their lists (lines, marks, documents)", f"{weight.MOST_ENTRIES:,}", "the next transaction; one event at least"),
        Limit(
            "settlement records of the runs that are mirrored or reversed",
            f"{weight.MOST_ENTRIES:,}",
            "the batch is taken in halves; one event at least",
        ),
        Limit(
            "open documents beyond an account's first page that several payments settle automatically",
            f"{weight.MOST_ENTRIES:,}",
            "the batch is taken in halves; one event at least",
        ),
        Limit("lines of the vouchers that are reversed", f"{weight.MOST_ENTRIES:,}", "the batch is taken in halves; one event at least"),
        Limit(
            "after a crash or a lack of memory", f"1/{weight.CAUTIOUS} of all three", f"doubled after every {weight.STEADY} that succeed"
        ),
        Limit("times that the database may not finish in time", f"{batch.MOST_TIMEOUTS}", "the batch is taken in halves"),
        Limit("messages left out as defects", f"{loading.MOST_DEFECTS}", "the batch is taken in halves"),
        Limit(
            "loads for what was not foreseen",
            f"{loading.MOST_ROUNDS:,}",
            "the batch is taken in halves, at last the message is kept in `failed`",
        ),
        Limit("what waited for one thing and resumes", f"{working_set.SLICE:,}", "noted in `released`, resumed in transactions of its own"),
        Limit(
            "loads before what is not loaded of what may resume is left",
            f"{working_set.MOST_LOADS}",
            "noted in `released`, resumed in transactions of its own",
        ),
        Limit(
            "runs that hold a document or wait to reserve it, read at first",
            f"{stored_pages.IN_LINE}",
            "further pages, each as large as all before it",
        ),
        Limit(
            "open documents that automatic settlement reads at first",
            f"{settling_order.PAGE}",
            "further pages as far as the money reaches, each as large as all before it",
        ),
        Limit(
            "matches of an automatic run",
            f"{pairing.MOST_AUTOMATIC:,}",
            "a further run takes up what is left, in a transaction of its own",
        ),
        Limit(
            "of all that waits and resumes, or has waited longer than WAIT_AT_MOST",
            f"{working_set.MOST_WOKEN_BYTES // _MIB} MiB",
            "the same; one at least, the oldest first",
        ),
        Limit("events whose waiting an operator gives up", f"{housekeeping.MOST_DISCARDED}", "the next transaction"),
        Limit(
            "failed messages that an operator has tried again",
            f"{shell_tables.MOST_RETRIED}, {shell_tables.MOST_RETRIED_BYTES // _MIB} MiB",
            "some seconds later; one at least",
        ),
        Limit(
            "what has waited longer than WAIT_AT_MOST, or its sender is told of",
            f"{working_set.SLICE:,}",
            "the next transaction, the longest first",
        ),
    ),
    "One process": (
        *(
            Limit(
                f"a file that is imported {by}",
                f"{each.rows:,} rows, {each.size:,} bytes; a workbook unpacked {each.unpacked:,} bytes; {each.elements:,} elements of XML",
                "refused, named",
            )
            for by, each in (("over HTTP", bounds.OF_A_REQUEST), ("by the command", bounds.OF_THE_COMMAND))
        ),
        Limit("connections to the HTTP API", f"{http_server.MOST_CONNECTIONS:,}", "503 until others end"),
        Limit(
            "time for the headers of a request to the HTTP API",
            f"{http_server.HEADERS_WITHIN:.0f} s",
            "twice that at most, then the connection is closed",
        ),
        Limit(
            "time for the body of a request to the HTTP API",
            f"{http_server.BODY_WITHIN:.0f} s",
            "408 `too-slow`, and the connection is closed",
        ),
        Limit("connections to the database for transactions", f"{database.POOL}", "whoever comes then waits"),
        Limit("looks at the database for readiness", f"1 in {health.KEPT_FOR:.0f} s", "the answer is kept for all who ask"),
        Limit(
            "a defect keeps readiness red", f"{housekeeping.FRESH_MINUTES} minutes", "the metric `intercompany_failed_messages` tells of it"
        ),
        Limit(
            "messages kept in `failed`",
            f"{housekeeping.MOST_FAILED:,}, {housekeeping.MOST_FAILED_DAYS} days",
            "the oldest are dropped, with their places in the log, and counted by `intercompany_failed_dropped`",
        ),
        Limit(
            "what a service keeps of what it has sent",
            f"{housekeeping.KEEP_SENT.days} day (`KEEP_SENT`), {housekeeping.KEEP_SENT_BYTES // (1024 * _MIB)} GiB (`KEEP_SENT_BYTES`)",
            "the oldest is dropped, and `intercompany resend` says from when on there is anything",
        ),
        Limit(
            "rows of the outbox that are counted for the metric",
            f"{housekeeping.MOST_COUNTED:,}",
            "it stays there; the age of the oldest row continues",
        ),
        Limit("a batch before readiness turns red", f"{health.LONGEST_BATCH:.0f} s", "it continues"),
        Limit("silence of the broker before readiness turns red", f"{health.LONGEST_SILENCE:.0f} s", "tried again for ever"),
    ),
    "Lists": (
        Limit("lines of vouchers read at once", f"{queries.MOST_LINES:,}", "the next read; one voucher at least"),
        Limit(
            "lines of vouchers that a table shows",
            f"{rows.MOST_LINES_SHOWN:,}",
            "it says that there are more; `--json` prints all, while they are read",
        ),
    ),
}


_HEAD: Final = """# Limits

**Invariant.** Beyond each limit something is said or done; nothing is cut silently, and what one transaction takes is bounded by
its weight, never by a count of records alone.

Written by `python -m services.operations.limits` from the constants themselves; a test holds it equal.
"""


def page() -> str:
    """The page, as Markdown."""
    parts = [_HEAD]
    for title, limits in LIMITS.items():
        rows = "\n".join(f"| {limit.what} | {limit.most} | {limit.beyond} |" for limit in limits)
        parts.append(f"## {title}\n\n| what | at most | beyond it |\n|---|---|---|\n{rows}\n")
    return "\n".join(parts)


if __name__ == "__main__":
    sys.stdout.write(page())
