"""What is called what: companies, parties, what a text may mean, and the reference data with its history."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest

from services.inquiry.queries.companies import NamedSelection, companies, currencies, names, parties, scope
from services.inquiry.queries.pages import PageWanted
from services.inquiry.queries.reference import ReferenceSelection, entity, reference
from services.inquiry.queries.search import MOST, search
from services.scenarios.scenario_file import SOURCE
from tests.builders.inquiry import Listening
from tests.live.inquiry.asking import Asked
from tests.scenario_files import IC_4, ROOT

pytestmark = pytest.mark.embedded

Row = dict[str, Any]

RATES = ROOT / "tests" / "scenarios" / "currencies" / "published-rates-in-order.yaml"
CHANGED = ROOT / "tests" / "scenarios" / "set-up" / "currency-of-a-company.yaml"
CLOSED = ROOT / "tests" / "scenarios" / "periods" / "reversal-held.yaml"


@pytest.fixture(scope="module")
def ic_4(books: Asked) -> Listening:
    """The books of ic-4, for all tests of this file but those that listen to another scenario at the end."""
    return books.listen(IC_4)


def found(books: Asked, text: str, scope_: tuple[str, ...] | None = None) -> list[tuple[str, str]]:
    return [(hit["kind"], hit["name"]) for hit in books.run(search(books.connection, text, scope_))]


def test_a_text_finds_what_has_that_name_first_and_then_what_begins_with_it(books: Asked, ic_4: Listening) -> None:
    assert ic_4.records
    assert found(books, "VI-7") == [("document", "VI-7"), ("event", "VI-7")]
    assert found(books, " VPAY-7 ") == [("document", "VPAY-7"), ("event", "VPAY-7"), ("settlement", "VPAY-7")]
    assert found(books, "VP") == [("document", "VPAY-7"), ("event", "VPAY-7")]
    assert found(books, "AP-SET-000001") == [("voucher", "AP-SET-000001"), ("voucher", "AP-SET-000001")]
    assert found(books, "AP-SET-1") == [("voucher", "AP-SET-1"), ("voucher", "AP-SET-1")]
    assert found(books, "EAST") == [("party", "EAST"), ("company", "FABE")]
    assert found(books, "fabrikam e") == [("company", "FABE"), ("party", "EAST")]
    assert found(books, "Fabrikam") == [("company", "FAB"), ("company", "FABE"), ("company", "FABW"), ("party", "EAST"), ("party", "WEST")]
    assert found(books, "V") == [] == found(books, " ") == found(books, f"AP-SET-{2**70}") == found(books, "%")


def test_case_does_not_matter_and_a_party_is_found_by_any_word_of_its_name(books: Asked, ic_4: Listening) -> None:
    assert ic_4.records
    assert found(books, "vi-7") == [("document", "VI-7")]
    assert ("document", "VPAY-7") in found(books, "vpay")
    assert ("account", "IC-WEST") in found(books, "ic-west")
    assert found(books, "IC-West", ("FAB",)) == [("account", "IC-WEST")]
    assert found(books, "FABW")[0] == ("company", "FABW")
    assert found(books, "fabw", ("FAB",)) == []
    assert found(books, "eas") == [("company", "FABE"), ("party", "EAST")]
    assert found(books, "east fabrikam") == [("party", "EAST")]
    assert found(books, "abrikam") == []


def test_a_text_finds_nothing_of_companies_out_of_scope(books: Asked, ic_4: Listening) -> None:
    assert ic_4.records
    assert found(books, "VI-7", ("FAB",)) == []
    assert found(books, "VI-7", ("FABE",)) == [("document", "VI-7"), ("event", "VI-7")]
    assert found(books, "VPAY-7", ("FABE",)) == [("settlement", "VPAY-7")]
    assert found(books, "AP-SET-000001", ("FAB",)) == [("voucher", "AP-SET-000001")]


def test_companies_and_parties_are_listed_with_what_is_known_of_them(books: Asked, ic_4: Listening) -> None:
    assert ic_4.records
    rows = books.all(companies, NamedSelection())
    assert [(row["company"], row["name"], row["currency"], row["open"]) for row in rows] == [
        ("FAB", "Fabrikam", "USD", 0),
        ("FABE", "Fabrikam East", "USD", 0),
        ("FABW", "Fabrikam West", "USD", 0),
    ]
    assert books.pages(companies, NamedSelection(), 1) == rows
    assert books.all(companies, NamedSelection(q="fabrikam w")) == rows[2:]
    assert books.all(companies, NamedSelection(("FABE",))) == rows[1:2]
    shown = books.all(parties, NamedSelection(("FAB",)))
    assert shown == [
        {"party": "EAST", "name": "Fabrikam East", "customers": {}, "vendors": {}},
        {"party": "WEST", "name": "Fabrikam West", "customers": {}, "vendors": {"FAB": ["IC-WEST"]}},
    ]
    assert books.pages(parties, NamedSelection(("FAB",)), 1) == shown
    assert books.all(parties, NamedSelection(("FAB",), "WE")) == shown[1:]
    assert books.run(names(books.connection, ["EAST", "else"])) == {"EAST": "Fabrikam East", "else": None}
    assert books.run(currencies(books.connection, ["FAB", "else"])) == {"FAB": "USD"}
    assert books.run(scope(books.connection, None)) == ["FAB", "FABE", "FABW"]


def test_the_entities_in_force_are_listed_by_type_company_and_key(books: Asked, ic_4: Listening) -> None:
    everything = books.all(reference, ReferenceSelection())
    assert len(everything) == len({row["key"] for row in everything})
    assert books.pages(reference, ReferenceSelection(), 2) == everything
    of_type = books.all(reference, ReferenceSelection(type="company.defined"))
    assert [row["data"]["company"] for row in of_type] == ["FAB", "FABE", "FABW"]
    assert of_type == [row for row in everything if row["type"] == "company.defined"]
    assert [row["key"] for row in books.all(reference, ReferenceSelection(type="company.defined", q="FABE"))] == ["company/FABE"]
    of_west = books.all(reference, ReferenceSelection(("FABW",)))
    assert {row["data"].get("company", "FABW") for row in of_west} == {"FABW"}
    assert len(of_west) < len(everything)
    assert ic_4.records


def test_a_later_version_or_a_withdrawal_ends_what_was_in_force_and_all_versions_stay(books: Asked, ic_4: Listening) -> None:
    assert ic_4.records
    books.run(books.connection.execute(VERSIONS))
    (version,) = books.all(reference, ReferenceSelection(type="company.defined", q="FABE"))
    assert version["data"]["name"] == "renamed"
    first, second = books.run(entity(books.connection, "company/FABE"))
    assert (first["data"]["name"], second["data"]["name"]) == ("Fabrikam East", "renamed")
    before = dt.datetime(2026, 3, 1, tzinfo=dt.UTC)
    assert books.all(reference, ReferenceSelection(type="company.defined", q="FABE", at=before)) == [first]
    assert books.all(reference, ReferenceSelection(type="payment-journal.defined")) == []
    assert len(books.all(reference, ReferenceSelection(type="payment-journal.defined", at=before))) == 1
    assert books.run(entity(books.connection, "nothing")) == []
    assert found(books, "renamed") == [("company", "FABE")]
    assert books.run(names(books.connection, ["EAST"])) == {"EAST": "Fabrikam East"}
    assert [row["name"] for row in books.all(companies, NamedSelection(q="FABE"))] == ["renamed"]


VERSIONS = f"""
insert into reference_history
select key, 1000, type, (data::jsonb || '{{"name": "renamed"}}')::json, '{SOURCE}', 'LATER', timestamptz '2026-04-01Z', ''::bytea
from reference_history where key = 'company/FABE'
union all
select key, 1001, 'reference.withdrawn', '{{"event": "payment-journal.defined"}}'::json, '{SOURCE}', 'GONE',
timestamptz '2026-04-01Z', ''::bytea
from reference_history where type = 'payment-journal.defined'"""  # noqa: S608 - names of ours


def test_closed_periods_are_shown_with_their_company(books: Asked) -> None:
    simulation = books.listen(CLOSED)
    known = simulation.books.settlement.reference
    rows = books.all(companies, NamedSelection())
    assert any(row["periods"] for row in rows)
    for row in rows:
        for period in row["periods"]:
            first, last = (dt.date.fromisoformat(period[name]) for name in ("from", "to"))
            said = [each["state"] for each in row["periods"] if each["from"] <= period["from"] <= each["to"]]
            assert known.is_closed(row["company"], first) == (said[-1] == "closed")
            assert first <= last


def test_a_page_of_names_goes_on_after_the_last(books: Asked) -> None:
    books.listen(RATES)
    first = books.run(reference(books.connection, ReferenceSelection(type="exchange-rate.published"), PageWanted(limit=1)))
    assert first.after == (first.rows[0]["key"],)
    assert MOST == 20


def test_a_version_that_was_refused_never_was_in_force(books: Asked) -> None:
    books.listen(CHANGED)
    read = books.run(
        books.connection.fetch("select data ->> 'currency' as currency from reference_history where event_id = 'X1' order by position")
    )
    assert [row["currency"] for row in read] == ["EUR", "USD"], "the first was refused, the second was sent under the same id and taken"
    assert [version["data"]["currency"] for version in books.run(entity(books.connection, "company/FAB"))] == ["USD", "USD"]
    assert [(row["company"], row["currency"]) for row in books.all(companies, NamedSelection())] == [("FAB", "USD")]
