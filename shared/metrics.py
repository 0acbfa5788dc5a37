"""All metrics of all processes, as `/metrics` of each shows its own (docs/observability.md says which process has which).

Invariant: a metric is written per batch or every few seconds, never per message; labels are bounded: no party, document or id; a
company only where `of_companies` writes it, METRICS_COMPANIES of them at most.
"""

from __future__ import annotations

from importlib.metadata import version
from typing import TYPE_CHECKING, Final

from prometheus_client import Counter, Gauge, Histogram

if TYPE_CHECKING:
    from collections.abc import Mapping

_SECONDS: Final = (0.005, 0.01, 0.02, 0.04, 0.08, 0.15, 0.3, 0.6, 1.2, 2.5, 5, 10, 30, 120, 600)

QUERIES: Final = Counter("intercompany_queries", "Statements sent to the database, COPY aside.", ["schema"])
MESSAGES: Final = Counter("intercompany_messages", "Records by what became of them.", ["service", "outcome"])
OUTGOING: Final = Counter("intercompany_outgoing", "Events decided and written to the outbox.", ["service"])
BATCH_SIZE: Final = Histogram("intercompany_batch_records", "Records per batch.", ["service"], buckets=(1, 5, 20, 50, 100, 200, 500))
BATCH_SECONDS: Final = Histogram("intercompany_batch_seconds", "Seconds of a batch's transaction, its retries aside.", ["service"])
PASSES: Final = Counter("intercompany_fold_passes", "Folds of whole batches: one each, and more for what was not loaded.", ["service"])
FOLDED_AHEAD: Final = Counter(
    "intercompany_folded_ahead",
    "Batches that were folded before their turn, beside other instances; by outcome: held, or folded again under the lock.",
    ["service", "outcome"],
)
TROUBLES: Final = Counter("intercompany_troubles", "Failures that were tried again.", ["what"])
OUTBOX_ROWS: Final = Gauge("intercompany_outbox_rows", "Batches not yet acknowledged by the broker, 1000 at most.", ["service"])
OUTBOX_AGE: Final = Gauge("intercompany_outbox_age_seconds", "Age of the oldest of them.", ["service"])
FAILED: Final = Gauge("intercompany_failed_messages", "Messages kept in the table failed.", ["service"])
RESUME_DEFECTS: Final = Counter("intercompany_resume_defects", "Times that what waited failed when it resumed, and waits on.", ["service"])
FAILED_DROPPED: Final = Counter("intercompany_failed_dropped", "Messages that were kept there too long, or too many.", ["service"])

REFUSALS: Final = Counter("intercompany_refusals", "Events refused, and settlements of them.", ["service", "code", "scope"])

READY: Final = Gauge("intercompany_ready", "1 if the process would take a message, or answer a request, that comes now.", ["service"])
AWAY: Final = Gauge("intercompany_away", "1 if the database, or the broker, does not answer this process.", ["service", "part"])
LAG: Final = Gauge("intercompany_consumer_lag_records", "Records of a topic that are still to be taken.", ["service", "topic"])
LAG_SECONDS: Final = Gauge(
    "intercompany_consumer_lag_seconds", "Age of the next of them at most; 0 with nothing to be taken.", ["service", "topic"]
)
RELAY_SENT: Final = Counter("intercompany_relay_sent", "Messages that the broker has acknowledged.", ["service"])
RELAY_SECONDS: Final = Histogram(
    "intercompany_relay_seconds", "Seconds from sending some batches' messages to the last acknowledgement.", ["service"], buckets=_SECONDS
)

WAITING: Final = Gauge("intercompany_waiting_events", "What waits, by what it waits for.", ["service", "for"])
WAITING_OLDEST: Final = Gauge("intercompany_waiting_oldest_seconds", "How long the oldest of it has waited.", ["service", "for"])
REFUSALS_OPEN: Final = Gauge("intercompany_refusals_open", "Refusals about which nothing was done, of the newest 2,000.", ["code"])
PERIODS: Final = Gauge("intercompany_periods_holding_events", "What waits for a period of this company to be opened.", ["company"])
PAIRS: Final = Gauge("intercompany_pair_difference", "1 if this company and another one do not owe each other the same.", ["company"])
END_TO_END: Final = Histogram(
    "intercompany_end_to_end_seconds",
    "From the broker's time of the first event to the voucher's commit, of the newest vouchers of each look.",
    ["kind"],
    buckets=_SECONDS,
)
BEHIND: Final = Gauge(
    "intercompany_inquiry_behind_seconds", "How far the books that can be asked are behind the topics, at most.", ["service"]
)

CHECK_PROBLEMS: Final = Gauge("intercompany_check_problems", "Places where the last comparison of the books does not hold.", ["check"])
CHECK_FAILING: Final = Gauge(
    "intercompany_check_failing_runs", "Comparisons one after the other that found any, up to the last.", ["check"]
)
CHECK_SECONDS: Final = Gauge("intercompany_check_seconds", "How long the last comparison took.", ["check"])
CHECK_EVERY: Final = Gauge("intercompany_check_every_seconds", "How often a comparison is to be made (CHECK_EVERY); 0: never.", ["check"])
CHECK_DONE: Final = Gauge(
    "intercompany_check_last_success_timestamp_seconds", "When a comparison was last made to its end, whatever it found.", ["check"]
)

HTTP_REQUESTS: Final = Counter(
    "intercompany_http_requests", "Requests, by the address's form and the answer's status.", ["route", "status"]
)
HTTP_SECONDS: Final = Histogram(
    "intercompany_http_seconds", "Seconds to the end of an answer, streams aside.", ["route", "status"], buckets=_SECONDS
)
ACTIONS: Final = Counter("intercompany_actions", "What people did: each state that an action came to.", ["verb", "outcome"])

BUILD: Final = Gauge("intercompany_build_info", "1; the version is the label's.", ["version"])
BUILD.labels(version("intercompany")).set(1)

OTHERS: Final = "others"
"""The company under which those are added up that have no label of their own."""


def of_companies(gauge: Gauge, values: Mapping[str, float], most: int) -> None:
    """Writes a gauge that has the label `company` alone: the `most` companies with the greatest values, the sum of all others.

    What had a value before and has none now is gone. A company that is called as the others are is one of them.
    """
    own = [each for each in values.items() if each[0] != OTHERS]
    ranked = sorted(own, key=lambda each: (-each[1], each[0]))
    gauge.clear()
    for company, value in ranked[:most]:
        gauge.labels(company).set(value)
    if ranked[most:] or OTHERS in values:
        gauge.labels(OTHERS).set(sum(value for _, value in ranked[most:]) + values.get(OTHERS, 0))
