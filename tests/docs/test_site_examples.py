"""What the pages say of examples is what the rules compute of them."""

from __future__ import annotations

import json
import re
from typing import Any, Final

import pytest

from deploy.site import codes, directives, picture, rule_pages, tables
from deploy.site.outcomes import outcome
from shared.rulebook import rule_book
from tests.scenario_files import ROOT

FINANCE: Final = sorted((ROOT / "docs" / "finance").glob("*.md"))
FIGURE: Final = re.compile(r"(?<![\w.])\d[\d,]*\.\d+(?![\w.]*\d)")


def _figures_of(name: str) -> set[str]:
    """Every amount and rate of a scenario: what it says and what came out of it."""
    found = outcome(name)
    said: list[Any] = [event.data for event in found.scenario.events]
    came = [found.result.vouchers, found.result.settlements, found.result.open]
    return set(re.findall(r"\d+\.\d+", json.dumps([said, came], default=str)))


@pytest.mark.parametrize("page", FINANCE, ids=lambda page: page.stem)
def test_every_figure_in_the_words_of_a_page_is_one_of_its_examples(page: Any) -> None:
    text = page.read_text(encoding="utf-8")
    words = re.sub(r"```.*?```|`[^`]*`|\{\{.*?\}\}", "", text, flags=re.DOTALL)
    known = set().union(*(_figures_of(name) for name in directives.scenarios_of(text)))
    assert {figure for figure in FIGURE.findall(words) if figure.replace(",", "") not in known} == set()


@pytest.mark.parametrize("page", FINANCE, ids=lambda page: page.stem)
def test_every_line_of_a_page_that_asks_for_an_example_gets_it(page: Any) -> None:
    shown = directives.expanded(page.read_text(encoding="utf-8"))
    assert "{{" not in shown


def test_an_example_that_shows_nothing_is_an_error() -> None:
    for line in ("{{ vouchers ic-4 company=NOBODY }}", "{{ rejected ic-4 }}", "{{ lines ic-4 }}"):
        with pytest.raises(directives.DirectiveError):
            directives.expanded(line)


def test_the_tables_of_a_voucher_have_its_figures_and_no_others() -> None:
    rows = outcome("cp-ar-4").result.vouchers
    for row in rows:
        said = {line[side] for line in row["lines"] for side in ("debit", "credit", "accounting_debit", "accounting_credit")}
        cells = re.findall(r'<td class="amount">([^<]+)</td>', tables.voucher(row))
        assert {cell.replace(",", "") for cell in cells} == {amount for amount in said if amount.strip("0.")}


def test_figures_of_currencies_with_other_decimals_stand_under_each_other_by_their_points() -> None:
    cells = re.findall(r'<td class="amount">([^<]*)</td>', tables.table(["a"], [["1000"], ["100.125"], ["-2.50"]], amounts=[0]))
    assert cells == ["1,000\u2008\u2007\u2007\u2007", "100.125", "-2.50\u2007"]


@pytest.mark.parametrize("rule", [rule for rule in rule_book() if rule_pages.scenario_of(rule) is not None])
def test_a_rule_that_makes_lines_shows_one_that_it_made(rule: str) -> None:
    name = rule_pages.scenario_of(rule)
    assert name is not None
    shown = rule_pages.example(rule)
    assert ('class="marked"' in shown) == bool(rule_pages.posting(outcome(name), rule))
    assert "<td" in shown


def test_every_code_of_a_refusal_has_its_words_its_mend_and_an_event_that_causes_it() -> None:
    assert set(codes.explained()) == set(codes.CODES)
    assert set(codes.when()) | {"discarded"} == set(codes.CODES)
    for code, entry in codes.explained().items():
        assert len(entry.mend) > 20
        assert (entry.scenario is None) == (entry.without is not None)
        if entry.scenario is not None:
            refused, event = codes.refusal_of(code, entry.scenario)
            assert refused["code"] == code
            assert event is not None or code == "malformed"


def test_the_picture_of_the_first_page_is_what_the_example_posts() -> None:
    written = (ROOT / "docs" / "images" / "flow.svg").read_text(encoding="utf-8")
    assert written == picture.picture(), "python -m deploy.site.picture > docs/images/flow.svg"
