"""Words in four languages, figures in each reader's form, and what stands in the console of others."""

from __future__ import annotations

import hashlib
import re
from importlib.resources import files
from pathlib import Path
from typing import get_args, get_type_hints

import pytest

from services.inquiry.checks import IDENTITIES
from services.web.console import formats
from services.web.console.pages.acted import targets
from services.web.console.pages.checked import compared
from services.web.console.parameters import AS_THEY_ARE, value
from services.web.console.texts import catalogue, document_name, name, text
from services.web.known import CODES
from services.web.languages import Language
from shared.events.kinds import KINDS
from shared.events.reference import CentralizedPaymentsDefined, SettlementParametersDefined
from tests.scenario_files import ROOT
from tests.unit.console.rendered import reader

CONSOLE = ROOT / "services" / "web" / "console"
ASKED = re.compile(r"""(?<![\w.])(?:r\.|reader\.)?t\(\s*(?:"([^"]+)"|'((?:[^'\\]|\\.)+)')\s*[,)]""")


def _asked() -> set[str]:
    sources = [*CONSOLE.rglob("*.html"), *(CONSOLE / "pages").glob("*.py")]
    found = [each for path in sources for each in ASKED.findall(path.read_text(encoding="utf-8"))]
    return {(double or single.replace("\\'", "'")) for double, single in found}


@pytest.mark.parametrize("language", Language)
def test_every_message_that_a_page_has_is_there_in_every_language(language: Language) -> None:
    assert len(_asked()) > 100
    assert _asked() - catalogue(language).keys() == set()


@pytest.mark.parametrize("language", Language)
def test_every_language_has_the_same_messages_with_the_same_words_to_fill_in(language: Language) -> None:
    english, own = catalogue(Language.ENGLISH), catalogue(language)
    assert own.keys() == english.keys()
    for message, said in own.items():
        assert set(re.findall(r"{\w+}", said)) == set(re.findall(r"{\w+}", english[message])), message


def test_what_the_books_call_something_is_said_in_the_readers_language() -> None:
    assert [name(each, "due_from") for each in Language] == ["due from", "créance sur", "vordering op", "Forderung gegen"]
    assert name(Language.DUTCH, "settlement_reversal") == "terugboeking van vereffening"
    assert name(Language.GERMAN, "intercompany.vendor-payment.posted.v1") == "Kreditorenzahlung gebucht"
    assert name(Language.GERMAN, "something_new") == "something new"
    assert text(Language.FRENCH, "line {number}", number=3) == "ligne 3"


@pytest.mark.parametrize("language", Language)
def test_every_kind_of_document_is_called_what_it_is_in_its_ledger(language: Language) -> None:
    kinds = [kind for kind, traits in KINDS.items() if traits.document]
    names = {(ledger, kind): document_name(language, ledger, kind) for ledger in ("payable", "receivable") for kind in kinds}
    assert all(said.lower() in {each.lower() for each in catalogue(language).values()} for said in names.values())
    assert len({names[ledger, kind] for ledger in ("payable", "receivable") for kind in ("invoice", "credit_note", "payment")}) == 6


def test_a_vendors_payment_is_a_vendor_payment() -> None:
    said = [document_name(each, "payable", "payment") for each in Language]
    assert said == ["vendor payment", "règlement fournisseur", "crediteurbetaling", "Kreditorenzahlung"]


@pytest.mark.parametrize("language", Language)
def test_every_parameter_that_a_why_can_name_has_words_for_itself_and_for_what_it_can_be(language: Language) -> None:
    options = get_type_hints(SettlementParametersDefined) | get_type_hints(CentralizedPaymentsDefined)
    named = {name for name in options if name.startswith(("cash_", "maximum_", "over_", "tax_", "post_"))} | AS_THEY_ARE
    said = [each for name in named for each in get_args(options.get(name)) if isinstance(each, str)]
    assert len(named) == 15
    assert {"invoice_date", "net_of_sales_tax"} <= set(said)
    known = {each.replace("_", " ") for each in (*named, *said, "yes", "no")}
    assert known - catalogue(language).keys() == set()


def test_a_parameter_is_shown_as_what_it_is() -> None:
    def shown(name: str, plain: str) -> list[str]:
        return [value(each, {"name": name, "value": plain, "company": "FABE"}, {"FABE": "EUR"}) for each in Language]

    assert shown("maximum_penny_difference", "0.05") == ["0.05 EUR", "0,05 EUR", "0,05 EUR", "0,05 EUR"]
    assert shown("due_to", "21-300.USD") == ["21-300.USD"] * 4
    assert shown("cash_discount_rate", "invoice_date") == ["invoice date", "date de la facture", "factuurdatum", "Rechnungsdatum"]
    assert shown("cash_discounts_for_partial_payments", "True") == ["yes", "oui", "ja", "ja"]


def test_amounts_keep_their_digits_in_every_form() -> None:
    said = [formats.amount(each, "-1234567.50") for each in Language]
    assert said == [
        "\N{MINUS SIGN}1,234,567.50",
        "\N{MINUS SIGN}1\u202f234\u202f567,50",
        "\N{MINUS SIGN}1.234.567,50",
        "\N{MINUS SIGN}1.234.567,50",
    ]
    assert formats.amount(Language.ENGLISH, "1500") == "1,500"
    assert formats.amount(Language.GERMAN, "0.125") == "0,125"
    assert formats.amount(Language.ENGLISH, "12345678901234567890.01") == "12,345,678,901,234,567,890.01"


def test_dates_and_spans_are_said_as_readers_say_them() -> None:
    assert [formats.day(each, "2026-03-12") for each in Language] == ["12 Mar 2026", "12 mars 2026", "12 mrt 2026", "12.03.2026"]
    assert [formats.span(each) for each in (0, 59, 60, 7300, 200000)] == [("s", 0), ("s", 59), ("min", 1), ("h", 2), ("d", 2)]


def test_what_comes_from_others_is_what_was_taken() -> None:
    vendor = Path(str(files("services.web.console").joinpath("static", "vendor")))
    locked = [line.split() for line in (vendor / "vendor.lock").read_text(encoding="utf-8").splitlines() if not line.startswith("#")]
    assert {Path(file).name for _, _, _, file, _ in locked} == {path.name for path in vendor.iterdir() if path.suffix in {".js", ".css"}}
    for _, _, integrity, file, digest in locked:
        assert integrity.startswith("sha512-")
        assert hashlib.sha256((vendor / Path(file).name).read_bytes()).hexdigest() == digest, file


def test_pages_have_no_script_or_style_of_their_own_and_ask_nobody_else() -> None:
    for path in CONSOLE.rglob("*.html"):
        source = path.read_text(encoding="utf-8")
        assert not re.search(r"<script(?![^>]*src=)|\sstyle=|<[^>{]*\son\w+=|https?://", source), path.name


@pytest.mark.parametrize("language", Language)
def test_every_comparison_of_the_books_has_a_readers_words(language: Language) -> None:
    sources = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "services" / "desk").glob("*.py"))
    between = set(re.findall(r"""Check\("([^"]+)",""", sources))
    own = {f"inquiry: {each}" for each in (*IDENTITIES, "every account has what it has in the ledger")}
    assert len(between) > 10
    assert (between | own) - catalogue(language).keys() == set()


def test_how_much_was_compared_is_said_in_the_readers_form() -> None:
    german = reader(Language.GERMAN)
    assert compared(german, "12000 vouchers") == "12.000 Belege"
    assert compared(german, "3 documents, 1,200 of them still under way") == "3 Dokumente, 1.200 noch unterwegs"
    assert compared(german, "inquiry") == "was diese Seiten zeigen"
    assert compared(german, "something new") == "something new"


@pytest.mark.parametrize("language", Language)
def test_every_code_of_a_refusal_has_words(language: Language) -> None:
    assert {each for each in CODES if each.replace("-", " ") not in catalogue(language)} == set()


def test_an_action_leads_to_what_it_was_about() -> None:
    event = {"source": "erp", "id": "VI-1"}
    many = {"target": {"events": [event] * 5, "refusals": []}}
    found = targets(reader(), many)
    assert ([each["text"] for each in found], found[0]["address"]) == (["VI-1"] * 3 + ["and 2 more"], "/trace?event=VI-1&source=erp")
    reversal = {"target": {"ledger": "payable", "settlement": "VPAY-9", "settlement_source": "erp"}}
    assert [each["address"] for each in targets(reader(), reversal)] == ["/trace?settlement=VPAY-9&source=erp", None]
    rate = {"target": {"key": "exchange-rate//GBP/USD/2026-03-17", "type": "exchange-rate.published"}}
    assert targets(reader(), rate) == [{"text": "exchange rate GBP USD 2026-03-17", "address": None}]
    assert targets(reader(), {"target": {"key": "party/NORTH"}}) == [{"text": "party NORTH", "address": "/companies"}]
    payment = {"target": {"ledger": "payable", "payment": {"company": "FAB", "document": "P/1"}}}
    assert targets(reader(), payment)[0] == {"text": "FAB P/1", "address": "/trace?company=FAB&document=P%2F1"}
