"""A vendor payment of one group company to another is mirrored at the seller; figures computed by hand."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

from shared.events.envelope import EventRef, derived_id
from shared.events.journals import SalesMark, SalesPaymentJournal, SalesPaymentsReply
from shared.events.reference import CompanyDefined, ExchangeRatePublished, PartyDefined, PaymentJournalDefined
from shared.events.settlements import DocumentReversed, SettledDocument
from tests.builders.payment import (
    DAY,
    EAST,
    FABW,
    IC_4,
    JOURNAL,
    NUMBER,
    RUN,
    WEST,
    Payment,
    invoice,
    journal,
    marked,
    payment,
    ready,
    record,
    relation,
    run,
    said,
)


def test_the_sellers_journal_says_what_the_payer_paid_and_the_discount_it_took() -> None:
    (posted,) = ready().hear(IC_4)
    assert posted.type == "sales-payment-journal.posted"
    assert posted.key == "EAST"
    assert posted.first == EventRef("scenario", "FIRST")
    assert posted.data == SalesPaymentJournal(
        company="FABW",
        journal="ARPAY-IC",
        document=NUMBER,
        account="IC-EAST",
        date=DAY,
        currency="USD",
        amount=Decimal("980.00"),
        offset="bank",
        exchange_rate=Decimal(1),
        marks=[SalesMark("FABW", "C-VI-7", Decimal("980.00"), Decimal("20.00"))],
        mirrors=("FAB", "VPAY-7"),
        run=RUN,
        reply_count=1,
        payer=EventRef("scenario", "VPAY-7"),
    )


def test_without_automatic_posting_the_journal_is_only_created() -> None:
    service = ready(automatic=False)
    assert said(service.hear(IC_4)) == ["journal.created"]
    assert service.statuses() == {NUMBER: "created"}


def test_a_run_that_asks_for_no_answer_gets_none_and_one_without_group_invoices_gets_one() -> None:
    documents = [payment(), invoice("VI-7", seller=None)]
    assert ready().hear(run(documents, record(0, 1, "980.00"), reply_expected=False)) == []
    (answer,) = ready().hear(run(documents, record(0, 1, "980.00")))
    assert (answer.type, answer.key, answer.data) == ("sales-payment-journals.answered", "WEST", SalesPaymentsReply(RUN, 1))


def test_a_discount_of_nothing_is_said_too() -> None:
    (posted,) = ready().hear(run([payment(), invoice("VI-7")], record(0, 1, "980.00")))
    assert marked(posted) == [("C-VI-7", "980.00", "0.00")]


def test_an_overpayment_written_off_is_part_of_the_amount_and_of_no_mark() -> None:
    over, penny = record(0, 1, "980.00", left="5.00"), record(0, 1, "980.00", left="0.01", penny=True)
    for given, amount in ((over, "985.00"), (penny, "980.01")):
        (posted,) = ready().hear(run([payment(), invoice("VI-7")], given))
        assert str(journal(posted).amount) == amount
        assert marked(posted) == [("C-VI-7", "980.00", "0.00")]


def test_invoices_of_one_customer_account_share_a_journal_in_the_order_of_the_marks() -> None:
    documents = [payment(), invoice("VI-1", mark=1), invoice("VI-0", mark=0)]
    (posted,) = ready().hear(run(documents, record(0, 1, "300.00", discount="3.00"), record(0, 2, "200.00")))
    assert str(journal(posted).amount) == "500.00"
    assert marked(posted) == [("C-VI-0", "200.00", "0.00"), ("C-VI-1", "300.00", "3.00")]


def test_invoices_of_two_buyers_that_are_one_customer_share_a_journal_once_both_relations_are_known() -> None:
    documents = [payment(), invoice("VI-1"), invoice("VI-2", mark=1, company="FAB")]
    both = run(documents, record(0, 1, "300.00"), record(0, 2, "200.00"))
    known = Payment(relation(), relation(buyer="FAB"), JOURNAL, FABW, WEST, EAST)
    assert [str(journal(each).amount) for each in known.hear(both)] == ["500.00"]
    assert [said([each]) for each in Payment(JOURNAL, FABW, WEST, EAST).hear(both)] == [["journal.waiting"], ["journal.waiting"]]


def test_a_payment_that_gave_nothing_but_a_discount_makes_no_journal() -> None:
    documents = [payment("PRIMARY"), invoice("VI-1")]
    assert said(ready().hear(run(documents, record(0, 1, "0.00", discount="5.00"), primary=0))) == ["journals.answered"]


def test_each_seller_gets_its_own_journal_numbered_in_the_order_of_the_marks() -> None:
    north = (relation(seller="FABN", journal="NORTH"), PaymentJournalDefined("FABN", "NORTH"), CompanyDefined("FABN", "USD"))
    service = Payment(relation(), JOURNAL, FABW, PartyDefined("EAST", customers={"FABW": ["IC-EAST"], "FABN": ["IC-EAST"]}), *north)
    documents = [payment(), invoice("VI-1", mark=2), invoice("VI-2", mark=1, seller="FABN"), invoice("VI-3", mark=0)]
    outgoing = service.hear(run(documents, record(0, 1, "1.00"), record(0, 2, "2.00"), record(0, 3, "3.00")))
    assert [journal(each).document for each in outgoing] == ["ARPAY-IC-FAB-VPAY-7-1", "NORTH-FAB-VPAY-7-2"]


def test_the_numbers_of_a_payment_go_on_in_later_runs() -> None:
    service = ready()
    service.hear(IC_4)
    (second,) = service.hear(run([payment(), invoice("VI-8")], record(0, 1, "1.00"), ref=EventRef("scenario", "S-2")))
    assert journal(second).document == "ARPAY-IC-FAB-VPAY-7-2"
    (other,) = service.hear(run([payment("VPAY-8"), invoice("VI-9")], record(0, 1, "1.00"), ref=EventRef("scenario", "VPAY-8")))
    assert journal(other).document == "ARPAY-IC-FAB-VPAY-8-1"


def test_payments_whose_names_read_the_same_get_different_numbers() -> None:
    service = ready()
    first, second = payment("A-B"), payment("B")
    second.company = "FAB-A"
    numbers = [journal(service.hear(run([each, invoice("VI")], record(0, 1, "1.00")))[0]).document for each in (first, second)]
    assert numbers == ["ARPAY-IC-FAB-A-B-1", "ARPAY-IC-FAB-A-B-2"]


def test_each_payment_of_a_request_makes_its_own_journal_with_its_own_discount() -> None:
    documents = [payment("P-1"), payment("P-2"), invoice("VI-7"), payment("CN", kind="credit_note")]
    records = (record(0, 2, "98.00", discount="2.00"), record(3, 2, "50.00"), record(1, 2, "49.00", discount="1.00"))
    outgoing = ready().hear(run(documents, *records))
    assert [journal(each).document for each in outgoing] == ["ARPAY-IC-FAB-P-1-1", "ARPAY-IC-FAB-P-2-1"]
    assert [marked(each) for each in outgoing] == [[("C-VI-7", "98.00", "2.00")], [("C-VI-7", "49.00", "1.00")]]
    assert [journal(each).reply_count for each in outgoing] == [2, 2]
    assert [journal(each).payer.id for each in outgoing] == ["P-1", "P-2"]


def _primary_run(documents: list[SettledDocument], *, applied: str = "200.00") -> tuple[list[SettledDocument], list[object]]:
    """600.00 for two invoices: 350.00 and 250.00; the primary is enlarged by 200.00 and by 100.00."""
    records = [
        record(0, 1, "200.00", enlarges=True, applied=applied),
        record(0, 2, "100.00", enlarges=True),
        record(0, 3, "350.00", discount="7.00"),
        record(0, 4, "250.00", discount="5.00"),
    ]
    return [*documents, invoice("VI-1", mark=0), invoice("VI-2", mark=1)], list(records)


def test_with_a_primary_its_own_money_fills_the_marks_first_and_credit_notes_are_left_out_at_the_end() -> None:
    documents, records = _primary_run([payment("PRIMARY"), payment("OTHER"), payment("CN", kind="credit_note")])
    outgoing = ready().hear(run(documents, *records, primary=0))  # type: ignore[arg-type]
    assert [journal(each).document for each in outgoing] == ["ARPAY-IC-FAB-PRIMARY-1", "ARPAY-IC-FAB-OTHER-1"]
    assert [str(journal(each).amount) for each in outgoing] == ["300.00", "200.00"]
    assert marked(outgoing[0]) == [("C-VI-1", "300.00", "7.00")]
    assert marked(outgoing[1]) == [("C-VI-1", "50.00", "0.00"), ("C-VI-2", "150.00", "5.00")]


def test_a_credit_note_that_is_the_primary_makes_no_journal_and_fills_nothing() -> None:
    documents, records = _primary_run([payment("CN", kind="credit_note"), payment("P-1"), payment("P-2")])
    outgoing = ready().hear(run(documents, *records, primary=0))  # type: ignore[arg-type]
    assert [journal(each).document for each in outgoing] == ["ARPAY-IC-FAB-P-1-1", "ARPAY-IC-FAB-P-2-1"]
    assert [marked(each) for each in outgoing] == [
        [("C-VI-1", "200.00", "7.00")],
        [("C-VI-1", "100.00", "0.00")],
    ]


def test_a_payment_in_another_currency_gives_in_proportion_and_the_last_mark_takes_the_rest() -> None:
    """200.00 USD are 170.01 EUR: 50 / 200 of it is 42.5025, 42.50; the rest is 127.51."""
    other = payment("OTHER", currency="EUR", rate="1.1764")
    documents, records = _primary_run([payment("PRIMARY"), other, payment("CN", kind="credit_note")], applied="170.01")
    _, second = ready().hear(run(documents, *records, primary=0))  # type: ignore[arg-type]
    assert (journal(second).currency, str(journal(second).amount), str(journal(second).exchange_rate)) == ("EUR", "170.01", "1.1764")
    assert marked(second) == [("C-VI-1", "42.50", "0.00"), ("C-VI-2", "127.51", "5.00")]


def test_what_the_primary_wrote_off_is_given_by_the_primary() -> None:
    documents = [payment("PRIMARY"), invoice("VI-1"), invoice("VI-2", mark=1)]
    outgoing = ready().hear(run(documents, record(0, 1, "100.00"), record(0, 2, "50.00", left="0.40"), primary=0))
    assert [str(journal(each).amount) for each in outgoing] == ["150.40"]
    assert marked(outgoing[0]) == [("C-VI-1", "100.00", "0.00"), ("C-VI-2", "50.00", "0.00")]


def test_what_the_primary_wrote_off_is_in_no_journal_of_a_payment_that_enlarged_it() -> None:
    documents = [payment("PRIMARY"), payment("OTHER"), invoice("VI-1")]
    outgoing = ready().hear(run(documents, record(0, 1, "60.00", enlarges=True), record(0, 2, "100.00", left="0.40"), primary=0))
    assert [str(journal(each).amount) for each in outgoing] == ["40.40", "60.00"]


def test_a_mark_that_a_discount_closes_whole_is_in_the_primarys_journal_with_no_amount() -> None:
    documents = [payment("PRIMARY"), invoice("VI-1"), invoice("VI-2", mark=1)]
    (made,) = ready().hear(run(documents, record(0, 1, "100.00"), record(0, 2, "0.00", discount="5.00"), primary=0))
    assert marked(made) == [("C-VI-1", "100.00", "0.00"), ("C-VI-2", "0.00", "5.00")]


def test_what_only_a_write_off_took_of_the_primary_is_in_its_journal() -> None:
    """The other payment's 100.00 pay the second invoice; what is left of the primary is written off beside it."""
    documents = [payment("PRIMARY"), payment("OTHER"), invoice("VI-1"), invoice("VI-2", mark=1)]
    records = (record(0, 1, "100.00", enlarges=True), record(0, 2, "50.00"), record(0, 3, "100.00", left="0.03", penny=True))
    outgoing = ready().hear(run(documents, *records, primary=0))
    assert [str(journal(each).amount) for each in outgoing] == ["50.03", "100.00"]
    assert marked(outgoing[0]) == [("C-VI-1", "50.00", "0.00"), ("C-VI-2", "0.00", "0.00")]


def test_money_for_other_invoices_is_in_no_journal() -> None:
    documents = [payment(), invoice("VI-1"), invoice("VI-2", mark=1, seller=None)]
    (posted,) = ready().hear(run(documents, record(0, 1, "100.00"), record(0, 2, "50.00", left="0.40")))
    assert str(journal(posted).amount) == "100.00"


def test_a_run_that_gave_no_money_makes_no_journal() -> None:
    documents = [payment("CN", kind="credit_note"), invoice("VI-1")]
    assert said(ready().hear(run(documents, record(0, 1, "100.00")))) == ["journals.answered"]


def test_the_rate_is_the_payments_only_where_both_companies_keep_the_same_accounting_currency() -> None:
    euro_rate = ExchangeRatePublished("GBP", "EUR", DAY, Decimal("1.2"))
    euro_seller = Payment(relation(), JOURNAL, EAST, euro_rate, CompanyDefined("FABW", "EUR"))
    in_pounds = run([payment(currency="GBP", rate="1.25"), invoice("VI-7", currency="GBP")], record(0, 1, "980.00"))
    assert journal(euro_seller.hear(in_pounds)[0]).exchange_rate is None
    assert journal(ready().hear(in_pounds)[0]).exchange_rate == Decimal("1.25")


def test_the_published_rate_of_which_the_payments_is_the_inverse_goes_with_the_payments_rate_alone() -> None:
    pounds = replace(payment(currency="GBP", rate="1.25"), inverse_rate=Decimal("0.8"))
    in_pounds = run([pounds, invoice("VI-7", currency="GBP")], record(0, 1, "980.00"))
    euro_rate = ExchangeRatePublished("GBP", "EUR", DAY, Decimal("1.2"))
    euro_seller = Payment(relation(), JOURNAL, EAST, euro_rate, CompanyDefined("FABW", "EUR"))
    assert [journal(service.hear(in_pounds)[0]).inverse_rate for service in (ready(), euro_seller)] == [Decimal("0.8"), None]


def test_what_a_message_causes_is_counted_from_0_in_every_version_so_that_it_is_known_again() -> None:
    service = ready()
    outgoing = [
        *service.hear(run([payment("CN", kind="credit_note"), invoice("VI-1")], record(0, 1, "100.00"))),
        *service.hear(IC_4),
        *service.hear(DocumentReversed("receivable", "FABW", NUMBER, DAY)),
    ]
    assert said(outgoing) == ["journals.answered", "journal.posted", "journal.reversed"]
    assert [each.ref.id for each in outgoing] == [derived_id(each.cause, each.time, each.type, 0) for each in outgoing]


def test_the_same_run_gives_the_same_events() -> None:
    assert ready().hear(IC_4, id_="S-1") == ready().hear(IC_4, id_="S-1")
    assert ready().hear(IC_4, id_="S-1")[0].ref != ready().hear(IC_4, id_="S-2")[0].ref


def test_the_sellers_journal_has_the_payments_reference_and_its_marks_the_agreed_rates() -> None:
    documents = [
        replace(payment(), reference="E2E 4711"),
        replace(invoice("VI-7", 0), cross_rate=Decimal("0.01287")),
        invoice("VI-8", 1),
    ]
    (made,) = ready().hear(run(documents, record(0, 1, "500.00"), record(0, 2, "480.00")))
    assert journal(made).reference == "E2E 4711"
    assert [(mark.document, mark.cross_rate) for mark in journal(made).marks] == [("C-VI-7", Decimal("0.01287")), ("C-VI-8", None)]


def test_of_two_vendor_invoices_that_name_one_customer_invoice_the_first_ones_agreed_rate_counts() -> None:
    first = replace(invoice("A", 0), intercompany_document="CI", cross_rate=Decimal("1.1"))
    second = replace(invoice("B", 1), intercompany_document="CI", cross_rate=Decimal("1.2"))
    documents = [payment(), first, second]
    (made,) = ready().hear(run(documents, record(0, 1, "500.00"), record(0, 2, "480.00")))
    assert journal(made).marks == [SalesMark("FABW", "CI", Decimal("980.00"), Decimal("0.00"), Decimal("1.1"))]
