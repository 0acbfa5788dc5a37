"""Approvals of sales payment journals take their turn among all that waits; the payment service posts what they approve."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from services.desk.rows import Result
from services.scenarios.scenario_file import arrivals
from services.settlement.rules.fold import Books, fold
from services.settlement.rules.giving_up import discard
from services.simulator.streams import scenario
from shared import working_set
from shared.events.codec import decode
from shared.events.envelope import EventRef, Message, Outgoing
from tests.builders.delayed import Delayed
from tests.builders.settlement import Event, Heard, asked, balances, mark, paid, result, told, undone
from tests.builders.trade import RELATION, approves, bill, pays, sale

if TYPE_CHECKING:
    import pytest

NUMBER = "J-FABE-P1-1"
ASKED = f"A-{NUMBER}"
CREATED: dict[str, Any] = {"trading": [{**RELATION, "post_automatically": False}]}
BOUGHT = [sale("C"), bill("V", "C"), pays("P1", "40.00", mark("V", "FABE"))]
UNDONE = undone("R", "payable", settlement="P1")
CLOSED = {"id": "X1", "type": "period.closed", "company": "FABW", "from": "2026-01-01", "to": "2026-01-31"}
OPENED = {**CLOSED, "id": "X2", "type": "period.opened"}


def _again(id_: str, **more: Any) -> Event:
    return {**approves(NUMBER), "id": id_, **more}


def _refused(of: Result) -> list[tuple[str, str]]:
    return [(row["event"], row["code"]) for row in of.rejected]


def _waits(of: Result) -> list[tuple[str, str]]:
    return [(row["event"], row["for"]) for row in of.waiting]


def _kinds(of: Result) -> list[str]:
    return [voucher["kind"] for voucher in of.vouchers if voucher["company"] == "FABW"]


def test_of_an_approval_and_a_reversal_that_waited_for_the_run_the_older_comes_first() -> None:
    before = result(approves(NUMBER), UNDONE, *BOUGHT, **CREATED)
    assert (_refused(before), before.waiting) == ([], [])
    assert _kinds(before) == ["invoice", "payment", "payment_reversal"]
    after = result(UNDONE, approves(NUMBER), *BOUGHT, **CREATED)
    assert (_refused(after), _kinds(after)) == ([(ASKED, "not-created")], ["invoice"])
    for came in (before, after):
        assert [journal["status"] for journal in came.journals] == ["reversed"]
        assert (balances(came)["C"], balances(came)["V"]) == ("100.00", "-100.00")


def test_while_an_approved_journal_is_on_its_way_a_reversal_of_its_run_waits_and_then_takes_it_back() -> None:
    delayed = _approved()
    delayed.hear(UNDONE)
    held = delayed.now()
    assert held.waiting == [{"event": "R", "for": "document", "key": {"event": ASKED}}]
    came = delayed.let_through()
    assert (came.waiting, came.rejected, [journal["status"] for journal in came.journals]) == ([], [], ["reversed"])
    assert _kinds(came) == ["invoice", "payment", "payment_reversal"]


def _approved() -> Delayed:
    """The journal is approved; that it is posted has not been said."""
    delayed = Delayed(*BOUGHT, **CREATED)
    delayed.let_through()
    delayed.holds = True
    delayed.hear(approves(NUMBER))
    assert [journal["status"] for journal in delayed.now().journals] == ["created"]
    return delayed


def test_while_an_approved_journal_is_on_its_way_a_run_over_what_it_settles_waits_and_takes_the_rest() -> None:
    delayed = _approved()
    money = paid("M", "100.00", mark("C", "FABW"), company="FABW", account="IC-EAST", exchange_rate="0.8")
    delayed.hear(money)
    assert _waits(delayed.now()) == [("M", "document")]
    came = delayed.let_through()
    assert (came.rejected, came.waiting) == ([], [])
    assert (balances(came)["C"], balances(came)["M"]) == ("0.00", "-40.00")


def test_while_an_approved_journal_is_on_its_way_what_it_settles_is_not_reversed() -> None:
    delayed = _approved()
    back = {"id": "T", "type": "document-reversal.requested", "ledger": "receivable", "document": {"company": "FABW", "document": "C"}}
    delayed.hear(back)
    assert _waits(delayed.now()) == [("T", "document")]
    assert _refused(delayed.let_through()) == [("T", "still-settled")]


def test_while_an_approved_journal_is_on_its_way_another_approval_of_it_is_refused_as_of_a_posted_one() -> None:
    delayed = _approved()
    delayed.hear(_again("A2"))
    message = f"the journal {NUMBER} of FABW is posted: only one that is created can be approved"
    assert [(row["event"], row["code"], row["field"], row["message"]) for row in delayed.now().rejected] == [
        ("A2", "not-created", "/document", message)
    ]
    assert _refused(delayed.let_through()) == [("A2", "not-created")]


def test_an_approval_that_the_payment_service_cannot_carry_out_holds_nothing_back() -> None:
    delayed = Delayed(*BOUGHT, **CREATED)
    delayed.let_through()
    payment = delayed.books.payment
    for journal in list(payment.journals):
        payment.journals.put(journal.key, None)
    payment.commit()
    delayed.hear(approves(NUMBER), UNDONE)
    came = delayed.now()
    assert (came.waiting, came.rejected, balances(came)["V"]) == ([], [], "-100.00")


def test_of_many_approvals_that_wait_for_a_journal_the_oldest_posts_it_and_the_others_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(working_set, "SLICE", 2)
    many = [_again(f"A{number}") for number in (3, 1, 2, 5, 4)]
    other = {**approves("J-FABE-P9-1"), "id": "OTHER"}
    simulation = told(*many[:2], other, *many[2:], *BOUGHT, **CREATED)
    books = simulation.books.settlement
    (journal,) = books.journals
    assert (journal.status, journal.approval) == ("posted", EventRef("scenario", "A3"))
    assert [parked.event.id for parked in books.waiting] == ["OTHER"]


def test_an_approval_stands_behind_older_ones_that_may_resume_and_have_not_yet(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(working_set, "SLICE", 1)
    seconds = [sale("C2"), bill("V2", "C2"), pays("P2", "30.00", mark("V2", "FABE"))]
    waits = [CLOSED, approves("J-FABE-P2-1"), _again("OLDER")]
    books = told(*BOUGHT, *seconds, *waits, **CREATED).books.settlement
    said = [each for event in (OPENED, _again("LATER")) for each in _folded(books, event)]
    assert list(books.released) != []
    approved = [each.data.approval.id for each in said if each.type == "sales-payment-journal.approved"]
    assert approved == ["A-J-FABE-P2-1", "OLDER"]


def _folded(books: Books, event: Event) -> list[Outgoing]:
    """What settlement says of an event, before anything resumes in further transactions."""
    (arrival,) = arrivals(scenario({}, [event]))
    message = decode(arrival.record)
    assert isinstance(message, Message)
    outgoing = fold(books, message)
    books.commit()
    return outgoing


def test_an_approval_of_another_journal_waits_whichever_came_first() -> None:
    other = {**approves(NUMBER), "journal": "K"}
    for events in ([other, *BOUGHT], [*BOUGHT, other]):
        came = result(*events, **CREATED)
        assert came.waiting == [
            {"event": ASKED, "for": "document", "key": {"company": "FABW", "journal": "K", "document": NUMBER}},
        ]
        assert [journal["status"] for journal in came.journals] == ["created"]


def test_an_approval_that_waited_for_a_journal_that_is_posted_at_once_is_refused() -> None:
    assert _refused(result(approves(NUMBER), *BOUGHT)) == [(ASKED, "not-created")]


def test_an_approval_that_waits_for_a_period_is_refused_when_its_journal_is_reversed() -> None:
    came = result(*BOUGHT, CLOSED, approves(NUMBER), undone("R", "payable", settlement="P1", date="2026-02-01"), **CREATED)
    assert (_refused(came), came.waiting) == ([(ASKED, "not-created")], [])


def test_an_approval_waits_for_a_rate_that_is_withdrawn_before_the_period() -> None:
    rate = {"event": "exchange-rate.published", "from": "EUR", "to": "USD", "date": "2026-01-01"}
    gone = {"id": "X3", "type": "reference.withdrawn", **rate}
    before = result(*BOUGHT, CLOSED, approves(NUMBER), **CREATED)
    after = result(*BOUGHT, CLOSED, approves(NUMBER), gone, **CREATED)
    assert (_waits(before), _waits(after)) == ([(ASKED, "period")], [(ASKED, "exchange-rate")])


def test_a_reversal_of_what_an_approval_has_settled_waits_for_the_approval() -> None:
    came = result(undone("R", settlement=ASKED), *BOUGHT, CLOSED, approves(NUMBER), OPENED, **CREATED)
    assert came.waiting == []
    assert [code for _, code in _refused(came)] == ["not-settled"]


def test_an_approval_that_is_discarded_frees_its_id_and_is_refused_with_what_it_waited_for() -> None:
    simulation = told(approves(NUMBER), **CREATED)
    books = simulation.books.settlement
    (refused,) = discard(books, [EventRef("scenario", ASKED)])
    why = f"discarded while it waited for document: company FABW, journal J, document {NUMBER}"
    assert (refused.data.event, refused.data.scope, refused.data.code, refused.data.message) == (ASKED, "settlement", "discarded", why)
    assert books.freed_ids == {EventRef("scenario", ASKED)}
    assert list(books.waiting) == []


def test_a_journal_of_an_earlier_version_is_approved_and_its_payment_waits_for_what_posting_needs() -> None:
    delayed = Delayed(*BOUGHT, **CREATED)
    delayed.let_through()
    journals = delayed.books.settlement.journals
    for journal in list(journals):
        journals.put((journal.company, journal.document), journal._replace(terms=None))
    delayed.books.settlement.commit()
    delayed.hear(CLOSED, approves(NUMBER))
    assert (_waits(delayed.now()), [journal.status for journal in journals]) == ([(ASKED, "period")], ["posted"])
    delayed.hear(OPENED)
    assert (balances(delayed.now())["C"], delayed.now().waiting) == ("60.00", [])


def test_what_waits_for_one_of_the_journals_that_are_made_together_comes_after_all_of_them() -> None:
    seconds = [sale("C2"), bill("V2", "C2"), pays("P2", "30.00", mark("V2", "FABE"))]
    late = {"id": "T", "type": "trading-relation.defined", **RELATION, "post_automatically": False}
    heard = Heard(*BOUGHT, *seconds, approves(NUMBER), approves("J-FABE-P2-1"), asked("S", mark(NUMBER, "FABW")), late, trading=[])
    told_ = [each.type.removeprefix("sales-payment-journal.") for each in heard.said if each.type.startswith("sales-payment-journal.")]
    assert told_ == ["waiting", "waiting", "created", "created", "approved", "posted", "approved", "posted"]
    assert heard.now().waiting == []
