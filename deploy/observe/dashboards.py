"""The three Grafana dashboards, by Grafana's own typed builders.

`python -m deploy.observe.dashboards` writes their JSON into grafana/dashboards.

Invariant: the same source gives the same bytes (a test holds the files to it); no dashboard, panel or datasource has an id of a
server; every expression is of metrics in shared/metrics.py. They were never rendered where this is built.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final, NamedTuple

from grafana_foundation_sdk.builders import dashboard as builders
from grafana_foundation_sdk.builders import prometheus, timeseries
from grafana_foundation_sdk.builders.common import VizLegendOptions
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models.common import LegendDisplayMode, LegendPlacement
from grafana_foundation_sdk.models.dashboard import Dashboard, DashboardLinkType, DataSourceRef

HERE: Final = Path(__file__).parent
FOLDER: Final = HERE / "grafana" / "dashboards"
SOURCE: Final = "datasource"
RUNBOOK: Final = "docs/runbook.md"
CONSOLE: Final = "http://127.0.0.1:8088/"
_RATE: Final = "$__rate_interval"
_DECIDED: Final = 'outcome=~"proposed|declined|withdrawn|begun"'
_HALF: Final = 12
_HEIGHT: Final = 8


class Series(NamedTuple):
    """A line of a panel: the expression, and how it is called."""

    expression: str
    legend: str


class Chart(NamedTuple):
    """A panel: its title, the unit of its axis, its lines."""

    title: str
    unit: str
    series: tuple[Series, ...]


def _rate(metric: str, by: str, unit: str, title: str, legend: str = "") -> Chart:
    return Chart(title, unit, (Series(f"sum by ({by}) (rate({metric}[{_RATE}]))", legend or _legend(by)),))


def _gauge(metric: str, by: str, unit: str, title: str) -> Chart:
    return Chart(title, unit, (Series(f"max by ({by}) ({metric})", _legend(by)),))


def _quantiles(metric: str, by: str, title: str, quantiles: tuple[float, ...] = (0.5, 0.95, 0.99)) -> Chart:
    lines = (
        Series(f"histogram_quantile({each}, sum by ({by}, le) (rate({metric}_bucket[{_RATE}])))", f"{_legend(by)} p{each * 100:.0f}")
        for each in quantiles
    )
    return Chart(title, "s", tuple(lines))


def _legend(by: str) -> str:
    return " ".join(f"{{{{{label.strip()}}}}}" for label in by.split(","))


FLOW: Final = (
    Chart(
        "Events taken",
        "ops",
        (Series(f'sum by (service) (rate(intercompany_messages_total{{outcome="taken"}}[{_RATE}]))', "{{service}}"),),
    ),
    _quantiles("intercompany_end_to_end_seconds", "kind", "From event to voucher"),
    _gauge("intercompany_consumer_lag_records", "service, topic", "short", "Records still to be taken"),
    _gauge("intercompany_consumer_lag_seconds", "service, topic", "s", "Age of the next record"),
    _quantiles("intercompany_batch_seconds", "service", "Time of a transaction", (0.5, 0.99)),
    Chart(
        "Records in a batch",
        "short",
        (
            Series(
                f"sum by (service) (rate(intercompany_batch_records_sum[{_RATE}]))"
                f" / sum by (service) (rate(intercompany_batch_records_count[{_RATE}]))",
                "{{service}}",
            ),
        ),
    ),
    _gauge("intercompany_outbox_rows", "service", "short", "Batches that the broker has not acknowledged"),
    _quantiles("intercompany_relay_seconds", "service", "Time to the broker's acknowledgement", (0.5, 0.99)),
    _gauge("intercompany_ready", "service", "short", "Ready"),
    _gauge("intercompany_failed_messages", "service", "short", "Messages put aside"),
    Chart("Processor time", "percentunit", (Series(f'rate(process_cpu_seconds_total{{job="intercompany"}}[{_RATE}])', "{{instance}}"),)),
    Chart("Memory", "bytes", (Series('process_resident_memory_bytes{job="intercompany"}', "{{instance}}"),)),
)
WORK: Final = (
    _gauge("intercompany_waiting_events", "for", "short", "What waits, by what it waits for"),
    _gauge("intercompany_waiting_oldest_seconds", "for", "s", "How long the oldest has waited"),
    _gauge("intercompany_refusals_open", "code", "short", "Refusals about which nothing was done"),
    _rate("intercompany_refusals_total", "code", "ops", "Refused"),
    _gauge("intercompany_periods_holding_events", "company", "short", "What waits for a period to be opened"),
    Chart(
        "Proposals and decisions",
        "ops",
        (
            Series(
                f"sum by (outcome) (rate(intercompany_actions_total{{{_DECIDED}}}[{_RATE}]))",
                "{{outcome}}",
            ),
        ),
    ),
    _rate("intercompany_actions_total", "verb, outcome", "ops", "What people did"),
    _rate("intercompany_http_requests_total", "status", "reqps", "Requests, by status"),
    _quantiles("intercompany_http_seconds", "route", "Time of an answer", (0.99,)),
)
BOOKS: Final = (
    _gauge("intercompany_check_problems", "check", "short", "Differences that the last comparison found"),
    Chart(
        "Since the last comparison",
        "s",
        (Series("time() - max by (check) (intercompany_check_last_success_timestamp_seconds)", "{{check}}"),),
    ),
    _gauge("intercompany_check_seconds", "check", "s", "How long a comparison takes"),
    _gauge("intercompany_pair_difference", "company", "short", "Companies that do not agree with another one"),
    Chart(
        "Vouchers a minute, by kind",
        "short",
        (Series(f"60 * sum by (kind) (rate(intercompany_end_to_end_seconds_count[{_RATE}]))", "{{kind}}"),),
    ),
    _gauge("intercompany_inquiry_behind_seconds", "service", "s", "How old what is shown is at most"),
    Chart(
        "Connections to the database in use",
        "short",
        (Series('sum by (service) (intercompany_pool_connections{state="busy"})', "{{service}}"),),
    ),
    _rate("intercompany_queries_total", "schema", "ops", "Statements"),
)
DASHBOARDS: Final = {"flow": FLOW, "work": WORK, "books": BOOKS}


def json_of(name: str) -> str:
    """A dashboard as Grafana reads it."""
    return JSONEncoder(sort_keys=True, indent=2).encode(_dashboard(name)) + "\n"


def _dashboard(name: str) -> Dashboard:
    built = (
        builders.Dashboard(f"Intercompany: {name.title()}")
        .uid(f"intercompany-{name}")
        .tags(["intercompany"])
        .refresh("30s")
        .time("now-1h", "now")
        .timezone("browser")
        .readonly()
        .with_variable(builders.DatasourceVariable(SOURCE).label("Prometheus").type("prometheus"))
        .link(builders.DashboardLink("Runbook").type(DashboardLinkType.LINK).url(RUNBOOK).target_blank(True))  # noqa: FBT003 - their way
        .link(builders.DashboardLink("Console").type(DashboardLinkType.LINK).url(CONSOLE).target_blank(True))  # noqa: FBT003
    )
    for chart in DASHBOARDS[name]:
        built.with_panel(_panel(chart))
    return built.build()


def _panel(chart: Chart) -> timeseries.Panel:
    source = DataSourceRef("prometheus", f"${{{SOURCE}}}")
    legend = VizLegendOptions().display_mode(LegendDisplayMode.LIST).placement(LegendPlacement.BOTTOM).show_legend(True)  # noqa: FBT003
    panel = timeseries.Panel().title(chart.title).unit(chart.unit).min(0).datasource(source).legend(legend).span(_HALF).height(_HEIGHT)
    for place, each in enumerate(chart.series):
        panel.with_target(prometheus.Dataquery().expr(each.expression).legend_format(each.legend).ref_id(chr(ord("A") + place)).range())
    return panel


def expressions() -> dict[str, str]:
    """Every expression of every panel, by dashboard, panel and line."""
    return {
        f"{name}: {chart.title}: {each.legend}": each.expression
        for name, charts in DASHBOARDS.items()
        for chart in charts
        for each in chart.series
    }


if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    for dashboard in DASHBOARDS:
        (FOLDER / f"{dashboard}.json").write_text(json_of(dashboard), encoding="utf-8")
