"""A number that looks like another one: what waits for it names the document that is there, and both are shown as they are."""

from __future__ import annotations

import pytest

from services.command_line.tables import missing
from services.desk.lookalikes import Lookalikes, awaited, plain
from services.desk.rows import waiting_rows
from services.settlement.rules.values import DocumentKey
from shared.events.values import visible
from tests.builders.settlement import invoice, mark, paid, told

NO_BREAK = "I\N{NO-BREAK SPACE}1"
DECOMPOSED = "Cafe\N{COMBINING ACUTE ACCENT}"


@pytest.mark.parametrize("number", ["I1", "I 1", NO_BREAK, "\N{FULLWIDTH LATIN CAPITAL LETTER I}1", "I\N{IDEOGRAPHIC SPACE}1"])
def test_numbers_read_the_same_after_nfkc_and_without_spaces(number: str) -> None:
    assert plain(number) == "I1"


def test_letters_of_another_case_or_another_alphabet_are_other_numbers() -> None:
    assert len({plain(number) for number in ("I1", "i1", "\N{CYRILLIC CAPITAL LETTER BYELORUSSIAN-UKRAINIAN I}1")}) == 3


def test_only_another_number_of_the_same_company_and_ledger_reads_like_it() -> None:
    alike = Lookalikes(
        [
            DocumentKey("receivable", "FAB", NO_BREAK),
            DocumentKey("payable", "FAB", "I1"),
            DocumentKey("receivable", "FABE", "I1"),
        ]
    )
    assert alike.of(DocumentKey("receivable", "FAB", "I1")) == [NO_BREAK]
    assert alike.of(DocumentKey("receivable", "FAB", NO_BREAK)) == []
    assert alike.of(None) == []


def test_only_what_waits_for_a_document_has_a_number_that_others_may_read_like() -> None:
    assert awaited("document", {"company": "FAB", "document": "I1", "ledger": "payable"}) == DocumentKey("payable", "FAB", "I1")
    assert awaited("document", {"event": "S1"}) is None
    assert awaited("account", {"company": "FAB", "document": "I1"}) is None


def test_a_mark_that_waits_for_a_number_which_looks_the_same_names_the_document_that_is_there() -> None:
    simulation = told(
        invoice(NO_BREAK, id="I"), paid("P1", "10.00", mark("I 1"), id="P"), invoice("I2"), paid("P2", "10.00", mark("I3"), id="Q")
    )
    books = simulation.books
    similar, other = waiting_rows(books.payment, books.settlement, {})
    assert (similar["event"], similar["reads_like"]) == ("P", [NO_BREAK])
    assert (other["event"], "reads_like" in other) == ("Q", False)
    assert missing(similar["key"], similar["reads_like"]).endswith(f'there is "{NO_BREAK}", which reads the same: send its very number')
    assert "reads" not in missing(other["key"])


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("I 1", "I 1"),
        (NO_BREAK, "I\\xa01"),
        ("I\N{ZERO WIDTH SPACE}1", "I\\u200b1"),
        (DECOMPOSED, "Cafe\\u0301"),
        ("Caf\N{LATIN SMALL LETTER E WITH ACUTE}", "Caf\N{LATIN SMALL LETTER E WITH ACUTE}"),
        ("\N{DEVANAGARI LETTER KA}\N{DEVANAGARI VOWEL SIGN I}", "\N{DEVANAGARI LETTER KA}\N{DEVANAGARI VOWEL SIGN I}"),
    ],
)
def test_what_would_look_the_same_is_escaped_where_it_is_shown(text: str, shown: str) -> None:
    assert visible(text) == shown
