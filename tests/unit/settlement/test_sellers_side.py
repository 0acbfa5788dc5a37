"""Sales payment journals as the settlement service has them: what each reserves, what it has become, and whose event it is."""

from __future__ import annotations

from typing import Any

import pytest

from shared.events.envelope import EventRef
from shared.money import ZERO
from tests.builders.settlement import GROUP, Event, Heard, asked, balances, invoice, mark, paid, result, taken_back, told, undone
from tests.builders.trade import RELATION, approves, bill, pays, sale

NUMBER = "J-FABE-P1-1"
CREATED: dict[str, Any] = {"trading": [{**RELATION, "post_automatically": False}]}
BOUGHT = [sale("C"), bill("V", "C"), pays("P1", "40.00", mark("V", "FABE"))]


def _known(*events: Event, **group: Any) -> list[tuple[str, str, int]]:
    """The journals that settlement knows: number, status, how many documents each reserves."""
    books = told(*events, **group).books.settlement
    return [(journal.document, journal.status, len(journal.reserves)) for journal in books.journals]


def test_a_journal_reserves_what_it_marks_from_its_creation_to_its_posting() -> None:
    assert _known(*BOUGHT, **CREATED) == [(NUMBER, "created", 1)]
    assert _known(*BOUGHT, approves(NUMBER), **CREATED) == [(NUMBER, "posted", 0)]
    assert _known(*BOUGHT) == [(NUMBER, "posted", 0)]


@pytest.mark.parametrize(
    "gone",
    [
        [undone("R", "payable", settlement="P1")],
        [undone("R", payment={"company": "FABW", "document": NUMBER}), taken_back("T", NUMBER, "FABW")],
    ],
)
def test_a_journal_is_known_as_reversed_with_its_run_and_with_its_payment(gone: list[Event]) -> None:
    assert _known(*BOUGHT, *gone) == [(NUMBER, "reversed", 0)]


def test_a_journal_that_was_only_created_is_known_as_reversed_with_its_run() -> None:
    assert _known(*BOUGHT, undone("R", "payable", settlement="P1"), **CREATED) == [(NUMBER, "reversed", 0)]


def test_a_document_of_the_other_ledger_that_has_the_number_of_a_journal_leaves_the_journal_as_it_is() -> None:
    vendors = {"parties": {**_PARTIES, "MORE": {"vendors": {"FABW": "V"}}}}
    bill_ = invoice(NUMBER, company="FABW", side="vendor", currency="EUR")
    back = {"id": "T", "type": "document-reversal.requested", "ledger": "payable", "document": {"company": "FABW", "document": NUMBER}}
    assert _known(*BOUGHT, bill_, back, **vendors) == [(NUMBER, "posted", 0)]


_PARTIES = {"EAST": {"customers": {"FABW": "IC-EAST"}}, "WEST": {"vendors": {"FABE": "IC-WEST"}}}


def test_a_created_journal_whose_number_is_taken_by_then_is_forgotten() -> None:
    taken = paid(NUMBER, "1.00", company="FABW", account="IC-EAST", exchange_rate="0.8")
    assert _known(*BOUGHT, taken, approves(NUMBER), **CREATED) == []


def test_a_journal_that_was_approved_is_known_by_its_approval() -> None:
    books = told(*BOUGHT, approves(NUMBER), **CREATED).books.settlement
    approval = EventRef("scenario", f"A-{NUMBER}")
    assert [journal.approval for journal in books.journals] == [approval]
    request = books.requests.get(approval)
    assert request is not None
    assert (request.event, request.type) == (approval, "journal-approval.requested")


def test_the_refusal_of_a_sellers_journal_frees_no_id_of_the_vendor_payment() -> None:
    taken = paid(NUMBER, "1.00", company="FABW", account="IC-EAST", exchange_rate="0.8")
    for group in ({}, CREATED):
        heard = Heard(taken, *BOUGHT, pays("P1", "41.00", mark("V", "FABE")), **group)
        assert [refusal.code for refusal in heard.rejections] == ["document-exists", "conflicting-duplicate"]


def test_a_seller_settles_at_the_rate_agreed_for_the_vendor_invoice() -> None:
    """40.00 EUR at the agreed 1.3 are 52.00 USD on both sides; published is 1.25."""
    came = result(*BOUGHT[:2], {**pays("P1", "40.00", mark("V", "FABE", cross_rate="1.3")), "currency": "EUR"})
    assert balances(came) == {"C": "48.00", NUMBER: "0.00", "P1": "0.00", "V": "-48.00"}


def test_an_agreed_rate_does_no_harm_where_the_sellers_invoice_has_the_payments_currency() -> None:
    """FABE has the invoice in USD and agrees 1.3; FABW has it in EUR, as the payment is: the rate counts for nothing there."""
    euro = invoice("C", "100.00", company="FABW", account="IC-EAST", currency="EUR")
    came = result(euro, BOUGHT[1], {**pays("P1", "40.00", mark("V", "FABE", cross_rate="1.3")), "currency": "EUR"})
    assert came.rejected == []
    assert balances(came) == {"C": "60.00", NUMBER: "0.00", "P1": "0.00", "V": "-48.00"}


def test_reversing_a_vendor_payments_settlement_does_not_wait_for_a_sales_payment_that_waits_itself() -> None:
    """The seller's invoice has not come: its sales payment waits, and is dropped with the settlement it mirrors."""
    events = [*BOUGHT[1:], undone("R", "payable", settlement="P1")]
    waiting = result(*events[:-1]).waiting
    assert [(row["event"], row["for"]) for row in waiting] == [("P1", "document")]
    came = result(*events)
    assert (came.waiting, came.rejected, came.settlements) == ([], [], [])
    assert balances(came) == {NUMBER: "0.00", "P1": "40.00", "V": "-100.00"}


def test_a_reversal_names_the_journals_that_go_with_it_in_the_order_in_which_they_came_and_none_that_is_gone() -> None:
    """Number 1 is FABW's, number 2 FABN's."""
    companies = {"companies": {**GROUP["companies"], "FABN": {"currency": "USD"}}}
    parties = {"parties": {"EAST": {"customers": {"FABW": "IC-EAST", "FABN": "IC-EAST"}}, "GROUP": {"vendors": {"FABE": "IC-WEST"}}}}
    journals = {"payment_journals": {"FABW": {"J": {"offset": "cash"}}, "FABN": {"J": {"offset": "cash"}}}}
    trading = {"trading": [RELATION, {**RELATION, "seller": {"company": "FABN", "customer": "IC-EAST"}}]}
    bought = [sale("C1"), sale("C2", company="FABN"), bill("V1", "C1"), bill("V2", "C2", company="FABN")]
    events = [*bought, pays("P1", "150.00", mark("V1", "FABE"), mark("V2", "FABE"))]
    group = {**companies, **parties, **journals, **trading}
    assert _taken_along(*events, **group) == [("FABW", "J-FABE-P1-1"), ("FABN", "J-FABE-P1-2")]
    undo = [undone("U", payment={"company": "FABW", "document": NUMBER}), taken_back("T", NUMBER, "FABW")]
    assert _taken_along(*events, *undo, **group) == [("FABN", "J-FABE-P1-2")]


def _taken_along(*events: Event, **group: Any) -> list[tuple[str, str]]:
    """The journals that the reversal of P1's settlement names."""
    heard = Heard(*events, undone("R", "payable", settlement="P1"), **group)
    (reversed_, *_) = [each for each in heard.said if each.type == "settlement.reversed" and each.data.ledger == "payable"]
    return [(company, document) for company, document in reversed_.data.journals]


def test_money_left_at_the_seller_settles_nothing_by_itself_before_it_is_marked() -> None:
    """A mirrored run takes exactly what its journal says, even where the seller settles automatically."""
    automatic = {"settlement_parameters": {"FABW": {"receivable": {"automatic_settlement": True}}}}
    books = told(*BOUGHT, asked("S", mark("V", "FABE"), ledger="payable"), **automatic).books.settlement
    (payment,) = [document for document in books.documents if document.document == NUMBER]
    assert payment.open == ZERO
