"""The chain of vouchers: what a digest covers, and that nothing that is posted can change without it."""

from __future__ import annotations

import datetime as dt
import json
from copy import deepcopy
from dataclasses import fields, replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.posting.rules.chain import NOTHING_BEFORE, chained, content_of
from services.posting.rules.fold import VOUCHER_POSTED
from services.scenarios.scenario_file import arrivals, load_scenario
from services.scenarios.simulation import Simulation
from shared.events.codec import as_json
from shared.events.envelope import Outgoing
from shared.events.kinds import CREDIT_NOTE
from shared.events.vouchers import EventName, Voucher, VoucherLine
from shared.money import ZERO
from tests.builders.posting import books, document, gain, money, post, record, reversed_record, run
from tests.docs.test_the_chain_of_vouchers import program
from tests.scenario_files import FILES

INVOICE = "invoice"
PAY = document("PAY", "payment", "580.00")
INVOICES = [document(f"INV-{number}", INVOICE, "600.00", company="FABE") for number in (1, 2)]

LINE = VoucherLine("cash", "cash", None, None, None, None, "EUR", money("1.00"), ZERO, money("1.00"), ZERO, {}, "", "")

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
names = st.none() | texts
amounts = st.integers(0, 10**12).map(lambda cents: Decimal(cents).scaleb(-2))


@st.composite
def _lines(draw: st.DrawFn) -> VoucherLine:
    debit, value, zero = draw(amounts), draw(amounts), money("0.00")
    sides = (debit, zero, value, zero) if draw(st.booleans()) else (zero, debit, zero, value)
    named = (draw(names), draw(names), draw(names), draw(names))
    return VoucherLine(
        draw(texts), draw(texts), *named, "EUR", *sides, draw(st.dictionaries(texts, texts, max_size=3)), draw(texts), draw(texts)
    )


vouchers = st.builds(
    Voucher,
    voucher=st.just("AR-SET-000001"),
    series=texts,
    number=st.integers(1, 10**9),
    company=texts,
    accounting_currency=st.just("USD"),
    ledger=texts,
    kind=texts,
    date=st.dates(),
    document=texts,
    lines=st.lists(_lines(), max_size=4),
    settlement=st.none() | st.builds(EventName, source=texts, id=texts),
    record=st.none() | st.integers(1, 100),
    reference=names,
)


@given(vouchers)
def test_the_program_of_the_documentation_comes_to_the_same_content(voucher: Voucher) -> None:
    written = json.loads(as_json(voucher))
    assert program()["content"](written) == content_of(voucher)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_whoever_reads_the_vouchers_of_a_scenario_can_check_their_chain(path: Path) -> None:
    sent: list[Outgoing] = []
    simulation = Simulation(sent.append)
    for arrival in arrivals(load_scenario(path)):
        simulation.send(arrival.record)
    digest_of = program()["digest"]
    previous: dict[tuple[str, str], str] = {}
    for row in (json.loads(as_json(each.data)) for each in sent if each.type == VOUCHER_POSTED):
        of = row["company"], row["series"]
        assert row["digest"] == digest_of(row, previous.get(of, "00" * 32)), row["voucher"]
        previous[of] = row["digest"]


def _other(value: Any) -> Any:
    """A value like this one that is not this one."""
    if value is None:
        return "something"
    if isinstance(value, EventName):
        return replace(value, id=value.id + "x")
    if isinstance(value, dt.date):
        return value + dt.timedelta(1)
    if isinstance(value, dict):
        return {**value, "centre": "another"}
    return value + ("x" if isinstance(value, str) else 1)


@given(vouchers, st.data())
def test_no_posted_value_can_change_without_the_content(voucher: Voucher, data: st.DataObject) -> None:
    changed = deepcopy(voucher)
    of_it = [each.name for each in fields(Voucher) if each.name not in {"voucher", "lines", "digest", "sister_contents"}]
    name = data.draw(st.sampled_from([*of_it, "line", "a line"] if voucher.lines else [*of_it, "line"]))
    if name == "line":
        changed.lines.append(replace(LINE, text="one more"))
    elif name == "a line":
        line = data.draw(st.sampled_from(changed.lines))
        of_line = data.draw(st.sampled_from([each.name for each in fields(VoucherLine)]))
        is_debit = bool(line.debit or line.accounting_debit)
        if of_line.endswith("credit") and is_debit:  # what is on the other side as well is no line that is posted
            of_line = of_line.replace("credit", "debit")
        setattr(line, of_line, _other(getattr(line, of_line)))
    else:
        instead = {"settlement": EventName("/erp", "1"), "record": 1}.get(name) if getattr(voucher, name) is None else None
        setattr(changed, name, instead or _other(getattr(voucher, name)))
    assert content_of(changed) != content_of(voucher)


@given(vouchers)
def test_the_order_of_dimensions_is_no_part_of_the_content(voucher: Voucher) -> None:
    turned = replace(voucher, lines=[replace(line, dimensions=dict(reversed(line.dimensions.items()))) for line in voucher.lines])
    assert content_of(turned) == content_of(voucher)


def test_each_voucher_covers_the_one_before_it_and_its_sister() -> None:
    group = books()
    first, other = post(group, run(PAY, INVOICES[0], record("580.00")))
    second, _ = post(group, run(PAY, INVOICES[1], record("20.00")))
    sister = {"FABE": content_of(other)}
    assert first.sister_contents == {"FABE": content_of(other).hex()}
    assert other.sister_contents == {"FAB": content_of(first).hex()}
    assert first.digest == chained(NOTHING_BEFORE, content_of(first), sister).hex()
    assert (second.company, second.number) == ("FAB", 2)
    assert second.digest == chained(bytes.fromhex(first.digest or ""), content_of(second), _sisters(second)).hex()


def test_another_sister_or_another_predecessor_is_another_digest() -> None:
    content = b"c" * 32
    digests = {
        chained(before, content, sisters)
        for before in (NOTHING_BEFORE, b"d" * 32)
        for sisters in ({}, {"A": b"s" * 32}, {"B": b"s" * 32}, {"A": b"t" * 32}, {"A": b"s" * 32, "B": b"s" * 32})
    }
    assert len(digests) == 10


def test_the_order_in_which_sisters_are_named_makes_no_difference() -> None:
    sisters = {"A": b"s" * 32, "B": b"t" * 32}
    assert chained(NOTHING_BEFORE, b"c" * 32, sisters) == chained(NOTHING_BEFORE, b"c" * 32, dict(reversed(sisters.items())))


def test_several_records_of_one_run_continue_one_chain_and_keep_to_their_own_sisters() -> None:
    group = books()
    records = [record("300.00"), record("280.00", number=2, gain=gain("1.00"))]
    posted = post(group, run(PAY, INVOICES[0], *records))
    assert [(each.company, each.number) for each in posted] == [("FAB", 1), ("FABE", 1), ("FAB", 2), ("FABE", 2)]
    assert [each.sister_contents for each in posted] == [
        {of: content_of(sister).hex()} for of, sister in zip(("FABE", "FAB") * 2, (posted[1], posted[0], posted[3], posted[2]), strict=True)
    ]
    assert posted[2].digest == chained(bytes.fromhex(posted[0].digest or ""), content_of(posted[2]), _sisters(posted[2])).hex()


def test_the_vouchers_of_a_reversal_are_sisters_of_each_other_and_not_of_what_they_reverse() -> None:
    group = books()
    post(group, run(PAY, INVOICES[0], record("580.00")))
    here, there = post(group, reversed_record())
    assert here.sister_contents == {"FABE": content_of(there).hex()}
    assert there.sister_contents == {"FAB": content_of(here).hex()}


def test_a_document_has_no_sister() -> None:
    (voucher,) = post(books(), document("CN-1", CREDIT_NOTE, "5.00"))
    assert voucher.sister_contents == {}


def test_a_chain_continues_where_the_books_of_a_batch_end() -> None:
    group = books()
    (first,) = post(group, document("I-1", INVOICE, "5.00"))
    group.rollback()
    (second,) = post(group, document("I-2", INVOICE, "7.00"))
    assert second.digest == chained(bytes.fromhex(first.digest or ""), content_of(second), {}).hex()


def test_what_is_rolled_back_leaves_no_trace_in_the_chain() -> None:
    def posted_after(*, disturbed: bool) -> Any:
        group = books()
        if disturbed:
            post_without_commit(group)
            group.rollback()
        return post(group, document("I-2", INVOICE, "7.00"))[0].digest

    assert posted_after(disturbed=True) == posted_after(disturbed=False)


def post_without_commit(group: Any) -> None:
    """Folds a document and leaves the books with it."""
    commit, group.commit = group.commit, lambda: None
    post(group, document("I-1", INVOICE, "5.00"))
    group.commit = commit


def _sisters(voucher: Voucher) -> dict[str, bytes]:
    return {company: bytes.fromhex(content) for company, content in voucher.sister_contents.items()}


def test_amounts_have_the_digits_of_their_currency_whoever_wrote_them() -> None:
    (voucher,) = post(books(), document("I-1", INVOICE, "6E+1"))
    assert {str(amount) for line in voucher.lines for amount in (line.debit, line.credit, line.accounting_debit)} == {"60.00", "0.00"}
