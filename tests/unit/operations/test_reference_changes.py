"""What a group file would change: an entity that the services would refuse is told before anything is published."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import orjson
import pytest

from services.desk.reference import ReferenceInForce
from services.operations.reference_changes import changes
from services.scenarios.group_file import read_group_file
from services.scenarios.yaml_files import FileError
from shared.events.codec import as_json
from shared.events.reference import CompanyDefined

NOW = datetime(2026, 1, 1, tzinfo=UTC)
IN_FORCE = {"company/HQ": ReferenceInForce("company.defined", orjson.loads(as_json(CompanyDefined("HQ", "EUR", name="Headquarters"))))}


def _file(folder: Path, text: str) -> Path:
    path = folder / "group.yaml"
    path.write_text(text)
    return path


def test_another_currency_of_a_company_is_not_a_change_but_wrong(tmp_path: Path) -> None:
    path = _file(tmp_path, "companies: {HQ: {currency: USD, name: Headquarters}}")
    with pytest.raises(FileError, match=r"companies\.HQ\.currency: HQ keeps its books in EUR"):
        changes(path, read_group_file(path), IN_FORCE, NOW)


def test_another_name_of_a_company_is_a_change(tmp_path: Path) -> None:
    path = _file(tmp_path, "companies: {HQ: {currency: EUR, name: Head office}}")
    (change,) = changes(path, read_group_file(path), IN_FORCE, NOW)
    assert str(change) == '~ company/HQ: name "Headquarters" -> "Head office"'
