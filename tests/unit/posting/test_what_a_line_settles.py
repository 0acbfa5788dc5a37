"""A receivable or payable line names the party, its account and the document in that company whose balance it changes."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from services.scenarios.scenario_file import load_scenario
from services.scenarios.simulation import simulate
from tests.builders.posting import books, document, post, record, reversed_record, run
from tests.scenario_files import FILES

Key = tuple[str, str, str]
INVOICE = document("INV", "invoice", "600.00", company="FABE")
PAYMENT = document("PAY", "payment", "580.00")


def items(lines: Any) -> list[tuple[str | None, str | None, str | None]]:
    return [(line.party, line.party_account, line.settles) for line in lines]


def settling(vouchers: list[dict[str, Any]]) -> Iterator[tuple[Key, dict[str, Any]]]:
    for voucher in vouchers:
        for line in voucher["lines"]:
            item = (line["party"], line["party_account"], line["settles"])
            assert None not in item or item == (None, None, None), line
            if line["settles"] is not None:
                yield (voucher["company"], voucher["ledger"], line["settles"]), line


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_the_lines_that_settle_documents_add_up_to_what_is_open_of_them(path: Path) -> None:
    """Within a company a settlement between documents of one summary account makes no lines, so they are added up by ledger."""
    came = simulate(load_scenario(path))
    sums: dict[tuple[str, str], Decimal] = defaultdict(Decimal)
    currencies: dict[tuple[str, str], set[str]] = defaultdict(set)
    documents = {(each["company"], each["ledger"], each["document"]) for each in came.open}
    for key, line in settling(came.vouchers):
        assert key in documents, "a line settles a document of its own company and ledger"
        sums[key[:2]] += Decimal(line["debit"]) - Decimal(line["credit"])
        currencies[key[:2]].add(line["currency"])
    for each in came.open:
        sums[each["company"], each["ledger"]] -= Decimal(each["balance"])
        currencies[each["company"], each["ledger"]].add(each["currency"])
    assert not [place for place, rest in sums.items() if rest and len(currencies[place]) == 1]


def test_each_company_names_its_own_document_and_no_line_without_one_names_any() -> None:
    group = books()
    for_invoice, for_payment, in_payment, in_invoice = post(group, INVOICE, PAYMENT, run(PAYMENT, INVOICE, record("580.00")))
    assert items(for_invoice.lines) == [("4050", "4000", "INV"), (None, None, None)]
    assert items(for_payment.lines) == [("4050", "4000", "PAY"), (None, None, None)]
    assert items(in_payment.lines) == [("4050", "4000", "PAY"), (None, None, None)]
    assert items(in_invoice.lines) == [(None, None, None), ("4050", "4000", "INV")]


def test_a_reversal_settles_what_it_mirrors() -> None:
    group = books()
    originals = post(group, INVOICE, PAYMENT, run(PAYMENT, INVOICE, record("580.00")))[2:]
    mirrors = post(group, reversed_record(PAYMENT.date))
    assert [items(each.lines) for each in mirrors] == [items(each.lines) for each in originals]


def test_a_voucher_says_its_series_its_number_and_its_companys_currency() -> None:
    (voucher,) = post(books(), INVOICE)
    assert (voucher.voucher, voucher.series, voucher.number, voucher.accounting_currency) == ("AR-INV-000001", "AR-INV", 1, "USD")
