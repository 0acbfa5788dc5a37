"""The benchmark's events: the same each time, in the shape of ic-4."""

from __future__ import annotations

from collections import Counter
from typing import Any

import orjson
import pytest
from aiokafka.partitioner import DefaultPartitioner

from services.bench.correct import simulated
from services.bench.workload import COMPANIES, SHAPES, Hot, Payment, Workload, roles

PARTITIONS = list(range(6))


def drawn(hot: Hot = Hot.NONE, number: int = 2 * SHAPES) -> tuple[Workload, list[Payment]]:
    workload = Workload(400, hot, len(PARTITIONS))
    workload.reference()
    return workload, list(workload.payments(0, number))


def data(payment: Payment) -> dict[str, Any]:
    loaded: dict[str, Any] = orjson.loads(payment.payment.value or b"")
    return loaded


def test_two_runs_send_the_same_events() -> None:
    assert drawn()[1] == drawn()[1]


def test_every_payment_closes_its_invoices_in_all_three_companies() -> None:
    workload, payments = drawn()
    books = simulated(workload.reference(), payments).books
    assert Counter(document.kind for document in books.settlement.documents) == {"invoice": 36, "payment": 36}
    assert not any(document.open for document in books.settlement.documents)
    assert not list(books.settlement.waiting)


def test_a_third_has_a_discount_and_a_third_the_second_currency() -> None:
    workload, payments = drawn()
    posted = simulated(workload.reference(), payments).books.posting.vouchers
    discounts = {voucher.document for voucher in posted for line in voucher.lines if line.posting_type == "cash_discount"}
    assert len(discounts) >= len(payments) // 3
    assert Counter(data(each)["currency"] for each in payments) == {"USD": 12, "EUR": 6}


def test_of_one_party_all_payments_have_one_key() -> None:
    assert {each.payment.key for each in drawn(Hot.PARTY)[1]} == {b"WEST-0"}


def test_on_one_pair_of_companies_one_pays_for_the_same_other_one() -> None:
    assert {data(each)["company"] for each in drawn(Hot.PAIR, 300)[1]} == {COMPANIES[0]}
    assert {data(each)["company"] for each in drawn(Hot.NONE, 300)[1]} == set(COMPANIES)


def test_on_one_partition_all_events_of_payments_are_in_one_partition() -> None:
    partitioner = DefaultPartitioner()
    records = [record for each in drawn(Hot.PARTITION)[1] for record in (*each.invoices, each.payment)]
    assert {partitioner(record.key, PARTITIONS, PARTITIONS) for record in records} == {0}


@pytest.mark.parametrize("pair", [0, SHAPES, 2 * SHAPES])
def test_three_different_companies_have_a_part_in_each_payment(pair: int) -> None:
    assert set(roles(pair)) == set(COMPANIES)
