"""The simulation page: nothing is sent but what was shown, and no mark or field is left out without a word."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from tests.builders.asked_pages import NoError, SaidApi, company, listed, one, pages_on

if TYPE_CHECKING:
    import httpx

Row = dict[str, Any]

PARTY = {"party": "BIG", "name": "Big", "vendors": {"FAB": ["V-1"]}, "customers": {}}


def document(number: str, **more: Any) -> Row:
    """An open invoice of the party."""
    found: Row = {
        "ledger": "payable", "company": "FAB", "document": number, "kind": "invoice", "currency": "USD", "balance": "-400.00",
        "open": "400.00", "discount": None, "due_date": "2026-04-01", "age_days": -1,
        "party": {"id": "BIG", "name": "Big"}, "state": "open", "waits": [], "reserved_by": None,
    }  # fmt: skip
    return {**found, **more}


DOCUMENTS = {
    each["document"]: each for each in (document("BIG-09000"), document("SHUT", state="closed"), document("ELSE", party={"id": "X"}))
}


class Books(SaidApi):
    """An API with a party of more documents than are listed; what a settlement leaves open is said by the test."""

    def __init__(self) -> None:
        super().__init__({
            "/v1/companies": listed(company("FAB")), "/v1/parties": listed(PARTY), "/v1/documents": listed(document("BIG-1")),
            "/v1/document": self.document, "/v1/simulate": self.simulated, "/v1/events": {}, "/v1/event": self.event,
        })  # fmt: skip
        self.after = "0.00"
        self.rejected: list[Row] = []
        self.known: set[str] = set()

    def document(self, given: Row) -> Row:
        """A document by its number."""
        if given.get("document") not in DOCUMENTS:
            raise NoError(404, "not-found")
        return one(DOCUMENTS[given["document"]])

    def simulated(self, given: Row) -> Row:
        """What the event would do."""
        (event,) = given["events"]
        rejected = [] if event["id"] not in self.known else self.rejected
        opened = [
            {
                "company": "FAB",
                "document": event["data"]["document"],
                "ledger": "payable",
                "currency": "USD",
                "before": None,
                "after": self.after,
            }
        ]
        return {"unreadable": [], "rejected": rejected, "vouchers": [], "open": opened, "waiting": []}

    def event(self, given: Row) -> Row:
        """How far an event is."""
        return {"state": "posted" if given["id"] in self.known else "unknown"}

    @property
    def sent(self) -> list[Row]:
        """The events that were sent."""
        return [body for path, body, _ in self.ordered if path == "/v1/events"]

    @property
    def tried(self) -> list[Row]:
        """The events that were simulated."""
        return [body["events"][0] for path, body, _ in self.ordered if path == "/v1/simulate"]


MARKED = [("id", "page-1"), ("party", "BIG"), ("date", "2026-03-12"), ("document", "PAY-PAGE-1"), ("amount", "400.00")]


def hidden(page: httpx.Response, name: str) -> str:
    """What a hidden field, or a button, sends."""
    form = page.text.partition('id="settling"')[2]
    return form.partition(f'name="{name}" value="')[2].partition('"')[0]


async def shown(client: httpx.AsyncClient, *marks: str, language: str = "en", **changed: str) -> httpx.Response:
    """The page with these marks."""
    pairs = [*((name, changed.pop(name, value)) for name, value in MARKED), *changed.items(), *(("mark", mark) for mark in marks)]
    return await client.get(f"/simulate?{urlencode(pairs)}", headers={"accept-language": language})


async def sent(client: httpx.AsyncClient, page: httpx.Response, *marks: str) -> httpx.Response:
    """What the page answers once its button is pressed."""
    fields = {**dict(MARKED), "id": hidden(page, "id"), "previewed": hidden(page, "previewed"), "token": hidden(page, "token")}
    return await client.post("/simulate", data={**fields, "mark": list(marks)})


async def test_a_mark_that_is_not_listed_is_settled_all_the_same() -> None:
    api = Books()
    async with pages_on(api) as client:
        page = await shown(client, "FAB/BIG-09000")
    assert [each["document"] for each in api.tried[0]["data"]["settle"]] == ["BIG-09000"]
    assert 'value="FAB/BIG-09000" aria-label="Mark FAB/BIG-09000" checked' in page.text
    assert hidden(page, "previewed")


async def test_a_mark_that_cannot_be_used_is_named_with_why_and_nothing_can_be_sent() -> None:
    why = {"FAB/NONE": "no such document", "FAB/SHUT": "not open", "FAB/ELSE": "another party", "nonsense": "no such document"}
    for mark, said in why.items():
        api = Books()
        async with pages_on(api) as client:
            page = await shown(client, "FAB/BIG-1", mark)
            assert f'value="{mark}" checked> {mark}</label>' in page.text
            assert said in page.text
            assert (api.tried, hidden(page, "previewed")) == ([], "")
            usual = await shown(client, "FAB/BIG-1")
            answer = await sent(client, usual, "FAB/BIG-1", mark)
        assert (answer.status_code, api.sent) == (200, [])


async def test_marks_beyond_what_can_be_asked_for_are_named_too() -> None:
    api = Books()
    async with pages_on(api) as client:
        page = await shown(client, *(f"FAB/N-{number}" for number in range(250)))
        picked = await client.get(
            "/simulate?" + "&".join(f"pick=%3Fledger%3Dpayable%26company%3DFAB%26document%3D{number}" for number in range(300))
        )
    assert page.text.count("At most 100 documents can be marked at once.") == 150
    assert (picked.status_code, len([1 for path, _ in api.asked if path == "/v1/document"])) == (400, 100)


async def test_picks_name_documents_and_nothing_else() -> None:
    pick = "%3Fledger%3Dpayable%26company%3DFAB%26document%3DBIG-09000%26as_of%3D2026-01-01%26self%3D1"
    async with pages_on(Books()) as client:
        answer = await client.get(f"/simulate?pick={pick}&pick={pick}")
    assert answer.status_code == 303
    assert answer.headers["location"].count("mark=FAB%2FBIG-09000") == 1


async def test_what_was_shown_is_sent() -> None:
    api = Books()
    async with pages_on(api) as client:
        answer = await sent(client, await shown(client, "FAB/BIG-1"), "FAB/BIG-1")
    assert (answer.status_code, [each["id"] for each in api.sent]) == (303, ["page-1"])


async def test_what_would_post_something_else_by_now_is_shown_again_and_not_sent() -> None:
    api = Books()
    async with pages_on(api) as client:
        page = await shown(client, "FAB/BIG-1")
        api.after = "192.20"
        again = await sent(client, page, "FAB/BIG-1")
        assert (again.status_code, api.sent) == (200, [])
        assert "have changed since the preview" in again.text
        assert 'data-plain="192.20"' in again.text
        assert (await sent(client, again, "FAB/BIG-1")).status_code == 303


async def test_a_form_that_is_sent_twice_leads_to_the_trace_twice() -> None:
    api = Books()
    async with pages_on(api) as client:
        page = await shown(client, "FAB/BIG-1")
        assert (await sent(client, page, "FAB/BIG-1")).status_code == 303
        api.known, api.after = {"page-1"}, "400.00"
        answer = await sent(client, page, "FAB/BIG-1")
    assert (answer.status_code, answer.headers["location"]) == (303, "/trace?event=page-1&source=console&sent=1")
    assert len(api.sent) == 1


async def test_a_page_whose_event_was_sent_already_leads_to_its_trace_and_begins_another_one() -> None:
    api = Books()
    api.known, api.rejected = (
        {"page-1"},
        [{"code": "conflicting-duplicate", "field": "/id", "message": "no", "scope": "event", "event": "page-1"}],
    )
    async with pages_on(api) as client:
        page = await shown(client, "FAB/BIG-09000")
    assert 'href="/trace?event=page-1&amp;source=console"' in page.text
    assert "conflicting-duplicate" not in page.text
    first, second = api.tried
    assert hidden(page, "id") == second["id"] != "page-1"
    assert (first["data"]["document"], second["data"]["document"]) == ("PAY-PAGE-1", f"PAY-{second['id'][:8].upper()}")


async def test_a_date_or_an_amount_that_may_be_two_is_said_at_its_field_and_nothing_is_simulated() -> None:
    api = Books()
    async with pages_on(api) as client:
        day = await shown(client, "FAB/BIG-1", date="2026-02-30")
        german = await shown(client, "FAB/BIG-1", language="de", amount="1.234", rate="1.085")
        own = await shown(client, "FAB/BIG-1", language="de", date="12.03.2026", amount="1,234")
    assert "2026-02-30 is not a day" in day.text
    assert 'id="date" name="date" type="date" value="2026-03-12" aria-invalid="true"' in day.text
    assert "1.234 kann 1,234 oder 1234" in german.text
    assert "1.085 kann 1,085 oder 1085" in german.text
    assert [(each["data"]["date"], each["data"]["amount"]) for each in api.tried] == [("2026-03-12", "1.234")]
    assert 'value="1,234"' in own.text
