"""The forms that write: what mends a wait, an event's fields, what an address may lead to, and what counts as signed."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.web.access.roles import Actor, Role
from services.web.console import event_fields, mends
from services.web.console.event_fields import changes
from services.web.console.pages.mend import address
from services.web.console.pages.sign_in import local
from services.web.console.session import LASTS, SESSION, Signing
from services.web.console.texts import catalogue
from services.web.languages import Language
from services.web.problems import ProblemError
from shared.events.codec import decode
from shared.events.envelope import Message
from shared.events.producing import PartyBook, record_of
from shared.events.reference import compaction_key
from shared.settings import Settings
from tests.builders.web import NOW, StandingClock

MISSING = {
    "company": {"company": "NEW"},
    "account": {"company": "FAB", "ledger": "payable", "account": "V/1"},
    "exchange-rate": {"company": "FAB", "from": "GBP", "to": "USD", "date": "2026-03-17"},
    "period": {"company": "FAB", "date": "2026-03-17"},
    "intercompany-accounting": {"company": "FAB", "partner": "FABE"},
    "posting-profile": {"company": "FAB", "posting_profile": "GEN"},
    "method-of-payment": {"company": "FAB", "method": "SEPA"},
    "trading-relation": {"seller": "FABW", "buyer": "FABE", "vendor": "IC-WEST"},
    "payment-journal": {"company": "FABW", "journal": "ARPAY"},
}
FILLED_IN = {"currency": "EUR", "party": "NORTH", "rate": "1.29", "customer": "IC-EAST", "journal": "ARPAY", "receivable": "1200"}


@pytest.mark.parametrize("reason", MISSING)
def test_what_a_mend_defines_is_read_by_the_services_and_has_its_own_key(reason: str) -> None:
    key = MISSING[reason]
    found = mends.mend_of(reason, key)
    assert found is not None
    values = {each.name: each.value or FILLED_IN.get(each.name, "") for each in found.fields}
    assert all(values[each.name] for each in found.fields if each.needed), values
    definition = mends.definition_of(reason, values, None)
    read = decode(record_of("1", "test", definition.type, definition.data, NOW, PartyBook()))
    assert isinstance(read, Message), read
    assert compaction_key(read.data) == definition.key


def test_a_rate_for_one_company_is_another_entity_than_one_for_all() -> None:
    values = {**MISSING["exchange-rate"], "rate": "1.29"}
    assert mends.definition_of("exchange-rate", {**values, "for": mends.ALL}, None).key == "exchange-rate//GBP/USD/2026-03-17"
    own = mends.definition_of("exchange-rate", {**values, "for": mends.OWN}, None)
    assert (own.key, own.data["company"]) == ("exchange-rate/FAB/GBP/USD/2026-03-17", "FAB")


def test_an_account_is_added_to_those_that_the_party_has() -> None:
    in_force = {"party": "NORTH", "name": "North", "vendors": {"FAB": ["V-0"], "FABE": ["V-9"]}, "customers": {"FAB": ["C-1"]}}
    values = {**MISSING["account"], "party": "NORTH", "name": ""}
    assert mends.definition_of("account", values, in_force).data == {**in_force, "vendors": {"FAB": ["V-0", "V/1"], "FABE": ["V-9"]}}


def test_a_method_is_added_to_those_that_the_company_has() -> None:
    in_force = {"company": "FAB", "methods": ["CHECK"]}
    assert mends.definition_of("method-of-payment", MISSING["method-of-payment"], in_force).data["methods"] == ["CHECK", "SEPA"]


def test_a_closed_period_is_opened_whole() -> None:
    found = mends.mend_of("period", MISSING["period"], ("2026-03-01", "2026-03-31"))
    assert found is not None
    assert [each.value for each in found.fields] == ["FAB", "2026-03-01", "2026-03-31"]


def test_what_reference_data_do_not_mend_and_what_is_hidden_from_the_reader_has_no_form() -> None:
    assert address("document", {"company": "FAB", "document": "VI-7"}) is None
    assert address("account", {"company": "FABE"}) is None
    assert address("account", MISSING["account"]) == "/waiting/mend?for=account&key_company=FAB&key_ledger=payable&key_account=V%2F1"


@pytest.mark.parametrize("language", Language)
def test_every_word_of_a_mend_is_there_in_every_language(language: Language) -> None:
    for reason, key in MISSING.items():
        found = mends.mend_of(reason, key)
        assert found is not None
        asked = {found.title, *(each.label for each in found.fields), *(label for each in found.fields for _, label in each.choices)}
        assert asked <= catalogue(language).keys()


NAMES = st.text(st.characters(categories=["L", "P", "S"]), min_size=1, max_size=6).filter(lambda name: not name.isdigit())
LEAVES = st.text(min_size=1, max_size=6).filter(lambda text: text == text.strip()) | st.integers(-9, 9) | st.booleans()
DATA = st.dictionaries(
    NAMES,
    st.recursive(
        LEAVES, lambda inner: st.lists(inner, min_size=1, max_size=3) | st.dictionaries(NAMES, inner, min_size=1, max_size=3), max_leaves=8
    ),
    max_size=4,
)


@given(DATA)
def test_fields_that_are_sent_back_as_they_were_shown_are_the_same_data(data: dict[str, Any]) -> None:
    assert event_fields.whole(event_fields.flat(data), data) == data


def test_an_emptied_field_is_left_out_and_a_new_one_has_its_place() -> None:
    shown = {
        "company": "FAB",
        "due_date": "2026-04-01",
        "settle": [{"document": "A", "full": False}, {"document": "B", "full": True}],
        "note": None,
    }
    fields = dict(event_fields.flat(shown))
    assert fields["/note"] == ""
    fields |= {"/due_date": "", "/settle/0/document": "", "/settle/0/full": "", "/settle/1/full": "false", "/lines/0/amount": "5.00"}
    assert event_fields.whole(list(fields.items()), shown) == {
        "company": "FAB",
        "settle": [{"document": "B", "full": False}],
        "lines": [{"amount": "5.00"}],
    }


def test_a_proposal_shows_what_differs_and_nothing_else() -> None:
    before, after = {"amount": "5", "lines": [{"amount": "4"}]}, {"amount": "5", "lines": [{"amount": "5"}], "text": "x"}
    assert changes(before, after) == [
        {"place": "/lines/0/amount", "before": "4", "after": "5"},
        {"place": "/text", "before": None, "after": "x"},
    ]


@pytest.mark.parametrize(
    ("given_address", "led_to"),
    [
        ("/waiting?for=account", "/waiting?for=account"),
        *[
            (each, "/")
            for each in (None, "", "waiting", "//x.example", "/\\x.example", "https://x.example", "/sign-out", "/a\nb", "/\t/x.example")
        ],
    ],
)
def test_signing_in_leads_to_addresses_of_ours_alone(given_address: str | None, led_to: str) -> None:
    assert local(given_address) == led_to


ANNA = Actor("anna", frozenset(Role))


def test_a_form_counts_for_its_reader_for_eight_hours() -> None:
    clock = StandingClock()
    signing = Signing(Settings(), clock)
    token = signing.form_token(ANNA)
    signing.check_form(token, ANNA)
    for other in (replace(ANNA, name="bert"), None):
        with pytest.raises(ProblemError):
            signing.check_form(token, other)
    with pytest.raises(ProblemError):
        Signing(Settings(), clock).check_form(token, ANNA)
    with pytest.raises(ProblemError):
        signing.check_form(signing.signed(SESSION, ["anna", ""]), ANNA)
    clock.time += timedelta(seconds=LASTS + 1)
    with pytest.raises(ProblemError):
        signing.check_form(token, ANNA)


def test_a_session_counts_under_the_same_secret_in_every_process_until_it_is_too_old() -> None:
    clock = StandingClock()
    settings = Settings(http_session_secret="s" * 32)  # type: ignore[arg-type] # pydantic makes it a secret
    kept = Signing(settings, clock).signed(SESSION, "who")
    assert Signing(settings, clock).read(SESSION, kept) == "who"
    assert Signing(settings, clock).read(SESSION, kept[:-1]) is None
    clock.time += timedelta(seconds=LASTS + 1)
    assert Signing(settings, clock).read(SESSION, kept) is None
