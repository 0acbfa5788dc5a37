"""`run`: exit codes and errors (that it gives what `simulate` gives: tests/test_scenarios.py), and that nothing is left of it."""

from __future__ import annotations

import asyncio
import tempfile
from contextlib import suppress
from pathlib import Path

import orjson
import pytest
from typer.testing import CliRunner

from services.command_line.main import app
from services.local import in_process as running
from services.scenarios.scenario_file import EXAMPLES, MAIN_EXAMPLE

GROUP = 'group: {companies: {FAB: {currency: USD}}, parties: {NW: {customers: {FAB: "4000"}}}}'
INVOICE = (
    '{id: I1, type: customer-invoice.posted, company: FAB, account: "4000", document: I1, date: 2026-01-10, '
    'currency: USD, amount: "100.00"}'
)
MALFORMED = INVOICE.replace("id: I1, ", "")


def write(folder: Path, name: str, text: str) -> str:
    path = folder / name
    path.write_text(text)
    return str(path)


@pytest.mark.embedded
def test_each_file_has_empty_books_and_one_that_cannot_be_run_does_not_stop_the_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = [
        write(tmp_path, "wrong.yaml", "group: {companies: {FAB: {currency: USD, curency: EUR}}}"),
        write(tmp_path, "none.yaml", "events: 3"),
        write(tmp_path, "holds.yaml", f"{GROUP}\nevents: [{INVOICE}, {INVOICE}, {MALFORMED}]\nexpect: {{waiting: []}}"),
        write(tmp_path, "differs.yaml", f"{GROUP}\nevents: [{INVOICE}]\nexpect: {{waiting: [{{event: X, for: document}}]}}"),
    ]
    parts = tmp_path / ("parts-below-a-path-too-long-for-a-socket" * 3)
    parts.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(parts))
    result = CliRunner(env={"KAFKA_BOOTSTRAP_SERVERS": "", "DATABASE_URL": ""}).invoke(app, ["run", "--json", *files])
    assert result.exit_code == 2
    assert "wrong.yaml: group.companies.FAB.curency: invalid: there is no field" in result.stderr
    assert "none.yaml: events: must be a list" in result.stderr
    holds, differs = (orjson.loads(line) for line in result.stdout.splitlines())
    assert [row["balance"] for row in holds["open"]] == ["100.00"]
    assert [(row["event"], row["code"]) for row in holds["rejected"]] == [("", "malformed")]
    assert holds["differences"] == []
    assert [row["voucher"] for row in differs["vouchers"]] == ["AR-INV-000001"]
    assert [row["came"] for row in differs["differences"]] == [None]
    assert list(parts.iterdir()) == []


@pytest.mark.embedded
def test_services_that_do_not_come_to_rest_are_named_with_what_they_have_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(running, "QUIESCENT_WITHIN", 0.0)
    file = write(tmp_path, "busy.yaml", f"{GROUP}\nevents: [{INVOICE}]")
    result = CliRunner(env={"KAFKA_BOOTSTRAP_SERVERS": "", "DATABASE_URL": ""}).invoke(app, ["run", file])
    assert result.exit_code == 2
    said = " ".join(result.stderr.split())
    assert "still busy after 0 seconds: payment has read 0 of 1 records of intercompany.reference 0; settlement has read 0" in said
    assert "LOG_LEVEL=INFO" in said
    assert "Traceback" not in said


async def test_services_are_stopped_also_where_a_cancellation_is_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(running, "_STOP_WITHIN", 0.01)

    async def serve() -> None:
        for _ in range(2):
            with suppress(asyncio.CancelledError):
                await asyncio.sleep(60)
        await asyncio.sleep(60)

    serving = [asyncio.create_task(serve()), asyncio.create_task(asyncio.sleep(60))]
    await asyncio.sleep(0)
    await running._stop(serving)  # noqa: SLF001 - else only a race would show it
    assert all(task.cancelled() for task in serving)


def test_the_demo_has_its_main_example_among_the_documented_ones() -> None:
    names = [path.stem for path in EXAMPLES.glob("*.yaml")]
    assert MAIN_EXAMPLE in names
    assert len(names) == 30
