"""`intercompany bench` as it is called."""

from __future__ import annotations

from pathlib import Path

import orjson
import pytest
from typer.testing import CliRunner

from services.command_line.main import app

pytestmark = pytest.mark.embedded

NUMBERS = (
    *("payments_per_second", "ratio_to_copy_loop", "ratio_to_yardstick", "p50_ms", "p99_ms"),
    *("wal_bytes_per_payment", "queries_per_payment", "drain_seconds"),
)


def test_a_small_run_on_embedded_parts_reports_what_it_measured_and_that_the_books_are_right(tmp_path: Path) -> None:
    picture = tmp_path / "speed.png"
    options = ["--payments", "200", "--parties", "100", "--rate", "50", "--seconds", "5", "--history", "0", "--history", "12000"]
    result = CliRunner().invoke(app, ["bench", *options, "--embedded", "--json", "--plot", str(picture)])
    assert result.exit_code == 0, result.output
    figures = orjson.loads(result.stdout.splitlines()[-1])
    assert (figures["correct"], figures["problems"], figures["payments"]) == (True, [], 200)
    assert all(figures[name] > 0 for name in NUMBERS), {name: figures[name] for name in NUMBERS}
    assert {"payment", "settlement", "posting"} <= figures["peak_rss_mib"].keys()
    assert [stage["history_lines"] for stage in figures["stages"]] == [0, 12_000]
    assert figures["rows_per_payment"]["settlement.documents"] == 4
    lines = figures["yardstick"]["rows_per_payment"] - figures["copy_loop"]["rows_per_payment"]
    assert lines == pytest.approx(11, abs=0.5)  # a payment's vouchers have 11 lines
    assert picture.read_bytes().startswith(b"\x89PNG")


def test_a_workload_that_is_none_is_refused_by_name() -> None:
    result = CliRunner().invoke(app, ["bench", "--hot", "potato"])
    assert result.exit_code == 2
    assert "partition" in result.output
