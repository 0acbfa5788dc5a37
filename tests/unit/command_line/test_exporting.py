"""`export` and what it refuses before it asks the books."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from typer.testing import CliRunner

from services.command_line.main import app
from tests.scenario_files import ROOT

if TYPE_CHECKING:
    from pathlib import Path

TEMPLATE = str(ROOT / "deploy/exports/d365.yaml")


@pytest.mark.parametrize(("option", "value"), [("--locale", "de"), ("--format", "csv")])
def test_a_template_says_how_its_files_are_written_and_takes_no_other_form(tmp_path: Path, option: str, value: str) -> None:
    words = ["export", "vouchers", "--template", TEMPLATE, "--output", str(tmp_path), option, value]
    result = CliRunner().invoke(app, words, env={"COLUMNS": "200"})
    assert result.exit_code == 2
    assert f"{option} is not for --template" in result.output
