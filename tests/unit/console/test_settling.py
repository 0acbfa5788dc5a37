"""What the fields of the simulation page mean: which event they ask for, what the marks need, and what is open before and after."""

from __future__ import annotations

from typing import Any

import pytest

from services.web.console.formats import plain
from services.web.console.pages.hour import hour
from services.web.console.pages.settling import Entered, EnteredMark, Settling, by_company, digest, event_of, figures, holders, key_of, owed
from services.web.languages import Language

PARTY = {"party": "CONTOSO", "name": "Contoso", "vendors": {"FAB": ["V-1", "V-2"], "OUT": ["V-9"]}, "customers": {"FABE": ["C-1"]}}
NARROW = "\N{NARROW NO-BREAK SPACE}"


def document(number: str, balance: str, *, discount: str | None = None, kind: str = "invoice", currency: str = "USD") -> dict[str, Any]:
    """An open document; payable invoices have a negative balance."""
    offered = None if discount is None else {"amount": discount, "until": "2026-04-19"}
    found = {"company": "FABE", "document": number, "kind": kind, "currency": currency, "balance": balance, "discount": offered}
    return {**found, "open": balance.removeprefix("-")}


def settling(documents: list[dict[str, Any]], marks: dict[str, EnteredMark], **more: Any) -> Settling:
    """The page with these marks, in the payable ledger unless told otherwise."""
    fields: dict[str, Any] = {
        "id": "page-1",
        "ledger": "payable",
        "date": "2026-03-31",
        "party": "CONTOSO",
        "payer": None,
        "account": None,
        "document": "PAY-1",
        "currency": None,
        "amount": None,
        "rate": None,
        "marks": marks,
    }
    return Settling(Entered(**{**fields, **more}), PARTY, documents, ["FAB", "FABE"])


def marked(amount: str | None = None, discount: str | None = None, use: str = "normal") -> EnteredMark:
    """What was entered."""
    return EnteredMark(amount, discount, use)


DOCUMENTS = [document("VI-9", "-64.90"), document("VI-10", "-410.00", discount="12.30"), document("CN-1", "30.00", kind="credit_note")]


@pytest.mark.parametrize(
    ("marks", "needed"),
    [
        ({}, None),
        ({"FABE/VI-10": marked()}, "397.70"),
        ({"FABE/VI-10": marked(use="never")}, "410.00"),
        ({"FABE/VI-10": marked(discount="10.00")}, "400.00"),
        ({"FABE/VI-10": marked(amount="100.00")}, "100.00"),
        ({"FABE/VI-9": marked(), "FABE/CN-1": marked()}, "34.90"),
        ({"FABE/CN-1": marked()}, None),
        ({"FABE/VI-9": marked(amount="many")}, None),
    ],
)
def test_marks_need_what_is_open_less_the_discount_and_credit_notes_lower_it(marks: dict[str, EnteredMark], needed: str | None) -> None:
    assert settling(DOCUMENTS, marks).needed == needed


def test_marks_of_another_currency_need_an_amount_that_is_entered() -> None:
    documents = [*DOCUMENTS, document("VI-8", "-10.00", currency="EUR")]
    assert settling(documents, {"FABE/VI-9": marked(), "FABE/VI-8": marked()}).needed is None
    assert settling(documents, {"FABE/VI-8": marked()}, amount="11.00", currency="USD").amount == "11.00"


def test_a_payment_has_the_fields_that_were_entered_and_what_differs_from_the_usual_at_its_marks() -> None:
    marks = {"FABE/VI-9": marked("60.00", "1.00", "always"), "FABE/VI-10": marked()}
    event = event_of(settling(DOCUMENTS, marks, amount="450", rate="1.1"), "console")
    assert event is not None
    assert (event["type"], event["id"], event["source"]) == ("intercompany.vendor-payment.posted.v1", "page-1", "console")
    assert event["data"] == {
        "company": "FAB",
        "account": "V-1",
        "document": "PAY-1",
        "date": "2026-03-31",
        "currency": "USD",
        "amount": "450",
        "settle": [
            {
                "company": "FABE",
                "document": "VI-9",
                "amount_to_settle": "60.00",
                "cash_discount_to_take": "1.00",
                "use_cash_discount": "always",
            },
            {"company": "FABE", "document": "VI-10"},
        ],
        "exchange_rate": "1.1",
    }
    assert digest(event) != digest({**event, "data": {**event["data"], "amount": "451"}})


def test_a_company_out_of_scope_does_not_pay_and_an_account_is_one_of_the_payers() -> None:
    page = settling(DOCUMENTS, {"FABE/VI-9": marked()}, payer="OUT", account="V-9")
    assert (page.payer, page.account) == ("FAB", "V-1")
    assert settling(DOCUMENTS, {}, account="V-2").account == "V-2"
    assert settling(DOCUMENTS, {"FABE/VI-9": marked()}, ledger="receivable").payer == "FABE"


def test_a_payment_that_is_there_is_settled_by_a_request() -> None:
    documents = [*DOCUMENTS, document("PAY-0", "64.90", kind="payment")]
    event = event_of(settling(documents, {"FABE/VI-9": marked(), "FABE/PAY-0": marked()}), "console")
    assert event is not None
    assert event["type"] == "intercompany.settlement.requested.v1"
    assert event["data"]["ledger"] == "payable"
    assert [each["document"] for each in event["data"]["settle"]] == ["VI-9", "PAY-0"]


def test_what_is_owed_is_positive_in_both_ledgers() -> None:
    assert [each["owed"] for each in settling(DOCUMENTS, {}).documents] == ["64.90", "410.00", "-30.00"]
    assert settling([document("CI-1", "5.00")], {}, ledger="receivable").documents[0]["owed"] == "5.00"
    assert key_of(DOCUMENTS[0]) == "FABE/VI-9"


def test_the_rest_is_what_stays_open_of_the_payment() -> None:
    page = settling(DOCUMENTS, {"FABE/VI-9": marked()}, amount="100")
    simulated = {
        "open": [{"company": "FAB", "document": "PAY-1", "after": "35.10"}, {"company": "FABE", "document": "VI-9", "after": "0.00"}],
        "waiting": [],
    }
    assert figures(page, simulated) == {"amount": "100.00", "marked": "64.90", "rest": "35.10", "currency": "USD"}
    assert figures(page, {"open": [], "waiting": []}) is None
    vouchers = [{"company": "B", "n": 1}, {"company": "A", "n": 2}, {"company": "B", "n": 3}]
    assert [(company, [each["n"] for each in found]) for company, found in by_company(vouchers)] == [("B", [1, 3]), ("A", [2])]


def test_of_what_waits_it_is_not_known_yet_what_the_marks_take() -> None:
    page = settling(DOCUMENTS, {"FABE/VI-9": marked()}, amount="100.00")
    simulated = {"open": [{"company": "FAB", "document": "PAY-1", "after": "100.00"}], "waiting": [{"for": "reservation", "key": {}}]}
    assert figures(page, simulated) == {"amount": "100.00", "marked": None, "rest": None, "currency": "USD"}


def test_payments_that_are_there_have_a_marked_total_and_a_rest_too() -> None:
    paid = [document("P-1", "300.00", kind="payment"), document("P-2", "100.00", kind="payment"), document("P-3", "9.00", kind="payment")]
    marks = {"FABE/VI-9": marked(), "FABE/P-1": marked(), "FABE/P-2": marked()}
    page = settling([*DOCUMENTS, *paid], marks)
    left = [("VI-9", "0.00"), ("P-1", "235.10"), ("P-2", "100.00"), ("VI-10", None)]
    simulated = {"open": [{"company": "FABE", "document": name, "after": after} for name, after in left], "waiting": []}
    assert figures(page, simulated) == {"amount": "400.00", "marked": "64.90", "rest": "335.10", "currency": "USD"}
    other = settling([*DOCUMENTS, *paid, document("P-4", "5.00", kind="payment", currency="EUR")], {**marks, "FABE/P-4": marked()})
    assert figures(other, simulated) is None


def test_who_has_reserved_a_document_that_would_be_waited_for_is_said() -> None:
    by = {"what": "run", "event": {"source": "erp", "id": "M7"}, "since": None, "journal": None}
    page = settling([{**DOCUMENTS[0], "reserved_by": by}, *DOCUMENTS[1:]], {"FABE/VI-9": marked()})
    waits = [
        {"for": "reservation", "key": {"company": "FABE", "document": "VI-9", "ledger": "payable"}},
        {"for": "account", "key": {"company": "FAB", "ledger": "payable", "account": "V-1"}},
    ]
    assert [each["reserved_by"] for each in holders(page, {"waiting": waits})] == [by, None]


@pytest.mark.parametrize(
    ("language", "text", "meant"),
    [
        (Language.GERMAN, "1.234,50", "1234.50"),
        (Language.FRENCH, f"1{NARROW}234,50", "1234.50"),
        (Language.ENGLISH, "1,234.50", "1234.50"),
        (Language.GERMAN, "1234.50", "1234.50"),
        (Language.DUTCH, "12,5", "12.5"),
        (Language.ENGLISH, "12,34", "12,34"),
        (Language.ENGLISH, "-5", "-5"),
        (Language.ENGLISH, "many", "many"),
    ],
)
def test_amounts_are_taken_plain_or_in_the_readers_form_and_left_as_they_are_where_they_are_neither(
    language: Language, text: str, meant: str
) -> None:
    assert plain(language, text) == meant


def test_bars_are_as_high_as_their_share_of_the_busiest_minute_and_a_minute_with_one_payment_is_seen() -> None:
    shown = hour([{"payments": 0}, {"payments": 100}, {"payments": 50}, {"payments": 1}])
    assert [(bar["x"], bar["y"], bar["height"]) for bar in shown["bars"]] == [(10, 0, 40), (20, 20, 20), (30, 39, 1)]
    assert (shown["most"], shown["sum"], shown["width"]) == (100, 151, 40)
    assert hour([])["bars"] == []


def test_what_is_open_has_the_sign_that_its_ledger_speaks_in() -> None:
    assert owed("payable", "-410.00") == "410.00"
    assert owed("payable", "37.40") == "-37.40"
    assert owed("payable", "0.00") == "0.00"
    assert owed("receivable", "410.00") == "410.00"
    assert owed("receivable", None) is None
