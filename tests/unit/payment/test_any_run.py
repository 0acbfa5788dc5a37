"""Whatever a run is made of, what its journals say adds up."""

from __future__ import annotations

from collections import Counter
from decimal import Decimal
from random import Random

from hypothesis import given
from hypothesis import strategies as st

from services.payment.rules.allocation import payment_shares
from shared.events.journals import SalesPaymentJournal, SalesPaymentsReply
from tests.builders.payment import Payment, ready
from tests.builders.payment_streams import a_run, stream


@given(random=st.randoms(use_true_random=False))
def test_what_payments_gave_is_what_was_applied_less_what_credit_notes_gave(random: Random) -> None:
    run = a_run(random, 0)
    given_by_payments = sum((share.amount for payment in payment_shares(run) for share in payment.shares), Decimal(0))
    paying = [record for record in run.records if not record.enlarges]
    enlarging = [record for record in run.records if record.enlarges]
    applied = sum((record.amount for record in paying), Decimal(0))
    if run.primary is None:
        by_credit_notes = sum((record.amount for record in paying if run.documents[record.lowering].kind == "credit_note"), Decimal(0))
    else:
        by_credit_notes = sum((each.amount for each in enlarging if run.documents[each.raising].kind == "credit_note"), Decimal(0))
    assert given_by_payments == applied - by_credit_notes
    assert all(share.amount > 0 for payment in payment_shares(run) for share in payment.shares)


@given(random=st.randoms(use_true_random=False))
def test_each_run_is_answered_by_as_many_messages_as_each_of_them_says(random: Random) -> None:
    service = ready() if random.random() < 0.5 else Payment()
    for number in range(5):
        answers = [each.data.reply_count for each in service.hear(a_run(random, number))]
        assert answers == [len(answers)] * len(answers)
        assert answers


@given(random=st.randoms(use_true_random=False))
def test_no_journal_is_told_twice_and_no_number_is_given_twice(random: Random) -> None:
    service = Payment()
    told: Counter[tuple[str, str, str]] = Counter()
    runs: dict[tuple[str, str], object] = {}
    for data in stream(random, 40):
        for each in service.hear(data):
            if isinstance(each.data, SalesPaymentJournal):
                key = (each.data.company, each.data.document)
                told[each.type, *key] += 1
                assert runs.setdefault(key, each.data.run) == each.data.run
                assert each.data.amount > 0
                assert sum((mark.amount_to_settle for mark in each.data.marks), Decimal(0)) <= each.data.amount
            else:
                assert isinstance(each.data, SalesPaymentsReply) or each.type == "event.rejected"
    assert all(count == 1 for count in told.values())
