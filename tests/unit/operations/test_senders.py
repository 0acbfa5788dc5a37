"""The senders of a group file, for whom topics are made and rights are printed before the file is published."""

from __future__ import annotations

from pathlib import Path

import pytest

from services.operations.senders import senders_of_file
from services.scenarios.yaml_files import FileError
from shared.events.reference import SenderDefined

GROUP = """
companies: {FAB: {currency: USD}}
senders:
  erp-eu: {companies: FAB, sources: [/erp/eu/], may: [invoices, payments]}
  treasury: {companies: "*", sources: [/treasury/], may: [reference]}
"""


def test_the_senders_of_a_group_file_are_read_as_the_services_read_them(tmp_path: Path) -> None:
    file = tmp_path / "group.yaml"
    file.write_text(GROUP)
    assert senders_of_file(file) == [
        SenderDefined("erp-eu", ["FAB"], ["/erp/eu/"], ["invoices", "payments"]),
        SenderDefined("treasury", ["*"], ["/treasury/"], ["reference"]),
    ]


def test_who_would_be_refused_by_the_services_gets_no_rights(tmp_path: Path) -> None:
    file = tmp_path / "group.yaml"
    file.write_text(GROUP.replace("[/erp/eu/]", "[intercompany/settlement]"))
    with pytest.raises(FileError, match=r"senders\.erp-eu\.sources\.0: .* is a source of the services themselves"):
        senders_of_file(file)
