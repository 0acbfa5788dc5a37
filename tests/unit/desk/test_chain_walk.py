"""The walk along the chains of vouchers finds what was changed, removed, put in or moved, and names it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.desk.chain_walk import ADDED, CHANGED, MISSING, MOST_NAMED, OUT_OF_ORDER, REWRITTEN, SISTER_DIFFERS
from services.posting.rules.numbers import VoucherKey
from services.posting.stored_pages import StoredVoucher
from tests.builders.chains import Ledger, ledger

LAST = 6
NUMBERS = range(1, LAST + 1)


def _changed(stored: StoredVoucher, old: bytes = b'"580.00"', new: bytes = b'"581.00"') -> StoredVoucher:
    assert old in stored.lines
    return StoredVoucher(stored.voucher, stored.lines.replace(old, new))


def _number(number: int) -> str:
    return f"AR-SET-{number:06}"


def test_books_that_nobody_touched_hold() -> None:
    walk = ledger().walked()
    assert (walk.findings, walk.checked, walk.before.total()) == ([], 6 * 4 + 2 + 1, 0)


@pytest.mark.parametrize("number", NUMBERS)
def test_a_changed_voucher_is_named_and_its_sister_says_so_too(number: int) -> None:
    books = ledger()
    books.write(_changed(books.get("FAB", number)))
    assert books.found() == [("FAB", _number(number), CHANGED), ("FABE", _number(number), SISTER_DIFFERS)]
    if number > 1:
        assert books.walked().findings[0].message == "it is not as it was posted"


def test_a_changed_voucher_without_a_sister_is_named_with_what_else_it_could_be() -> None:
    books = ledger()
    books.write(_changed(books.get("FAB", 3, "AR-PAY")))
    (finding,) = books.walked().findings
    assert finding == (
        *("FAB", "AR-PAY-000003", CHANGED),
        "it is not as it was posted, or AR-PAY-000002 was replaced together with its digest",
    )


@given(st.data())
def test_any_byte_of_the_lines_and_any_value_of_the_voucher_that_changes_is_found(data: st.DataObject) -> None:
    books = ledger(2)
    key = data.draw(st.sampled_from(sorted(books.vouchers)))
    stored = books.vouchers[key]
    if data.draw(st.booleans()):
        place = data.draw(st.integers(0, len(stored.lines) - 1))
        other = data.draw(st.integers(0, 255).filter(lambda byte: byte != stored.lines[place]))
        books.write(StoredVoucher(stored.voucher, stored.lines[:place] + bytes([other]) + stored.lines[place + 1 :]))
    else:
        name = data.draw(st.sampled_from(["accounting_currency", "ledger", "document", "reference", "digest"]))
        books.put(stored, **{name: "0" * 64})
    it_or_the_next = {key.voucher, VoucherKey(*key[:2], key.number + 1).voucher}
    assert {voucher for company, voucher, _ in books.found() if company == key.company} & it_or_the_next


@pytest.mark.parametrize("number", NUMBERS)
def test_a_removed_voucher_is_missing_and_its_sister_misses_it(number: int) -> None:
    books = ledger()
    books.take_out("FABE", number)
    assert sorted(books.found()) == [("FAB", _number(number), SISTER_DIFFERS), ("FABE", _number(number), MISSING)]


def test_several_removed_vouchers_are_one_gap() -> None:
    books = ledger()
    for number in (3, 4, 5):
        books.take_out("FAB", number, "AR-PAY")
    (finding,) = books.walked().findings
    assert finding == ("FAB", "AR-PAY-000003", MISSING, "AR-PAY-000003 to AR-PAY-000005 should be here and are not")


def test_a_voucher_that_was_put_in_is_named_by_its_own_number() -> None:
    books = ledger()
    books.put(books.get("FAB", LAST, "AR-PAY"), number=LAST + 1, digest=None)
    assert books.found() == [("FAB", f"AR-PAY-{LAST + 1:06}", ADDED), ("FAB", f"AR-PAY-{LAST + 1:06}", ADDED)]


def test_a_voucher_put_in_with_a_digest_that_fits_is_beyond_the_last_number_given() -> None:
    books = ledger()
    books.put(books.get("FAB", LAST, "AR-PAY"), number=LAST + 1)
    last = books.lasts["FAB", "AR-PAY"]
    books.compute_again("FAB", LAST + 1, "AR-PAY")
    books.lasts["FAB", "AR-PAY"] = last
    assert books.found() == [("FAB", f"AR-PAY-{LAST + 1:06}", ADDED)]


def test_a_voucher_put_in_between_has_moved_those_behind_it() -> None:
    books = ledger()
    for number in range(LAST, 2, -1):
        books.put(books.take_out("FAB", number, "AR-PAY"), number=number + 1)
    books.put(books.get("FAB", 2, "AR-PAY"), number=3)
    moved = [each for each in books.walked().findings if each.problem == OUT_OF_ORDER]
    assert [(each.voucher, each.message) for each in moved] == [
        ("AR-PAY-000003", "it was posted as AR-PAY-000002"),
        *((f"AR-PAY-{number + 1:06}", f"it was posted as AR-PAY-{number:06}") for number in range(3, LAST + 1)),
    ]


def test_two_vouchers_that_changed_places_are_named_with_the_numbers_they_were_posted_under() -> None:
    books = ledger()
    one, other = books.take_out("FAB", 3, "AR-PAY"), books.take_out("FAB", 4, "AR-PAY")
    books.put(one, number=4)
    books.put(other, number=3)
    findings = [(each.voucher, each.problem, each.message) for each in books.walked().findings]
    assert findings[:2] == [
        ("AR-PAY-000003", OUT_OF_ORDER, "it was posted as AR-PAY-000004"),
        ("AR-PAY-000004", OUT_OF_ORDER, "it was posted as AR-PAY-000003"),
    ]


def test_a_voucher_removed_and_the_others_moved_up_is_found() -> None:
    books = ledger()
    books.take_out("FAB", 3, "AR-PAY")
    for number in range(4, LAST + 1):
        books.put(books.take_out("FAB", number, "AR-PAY"), number=number - 1)
    found = books.found()
    assert ("FAB", "AR-PAY-000004", OUT_OF_ORDER) in found
    assert ("FAB", f"AR-PAY-{LAST:06}", MISSING) in found


def test_a_voucher_replaced_together_with_its_digest_is_named_by_the_one_behind_it() -> None:
    books = ledger()
    behind = books.get("FAB", 4)
    books.write(_changed(books.get("FAB", 3)))
    books.compute_again("FAB", 3)
    books.write(behind)
    findings = {(each.company, each.voucher): each for each in books.walked().findings}
    assert findings["FABE", _number(3)].problem == SISTER_DIFFERS
    assert findings["FAB", _number(4)].problem == OUT_OF_ORDER
    assert "not after AR-SET-000003, which was put in there or replaced" in findings["FAB", _number(4)].message


def test_a_series_without_any_of_its_vouchers_is_missing() -> None:
    books = ledger()
    for number in NUMBERS:
        books.take_out("FAB", number, "AR-PAY")
    (finding,) = books.walked().findings
    assert finding[:3] == ("FAB", "AR-PAY-000001", MISSING)


# The owner of the database computes all digests again


def _rewritten(company: str = "FAB", number: int = 3) -> Ledger:
    """A voucher without a sister changed, and all digests behind it computed again."""
    books = ledger()
    books.write(_changed(books.get(company, number, "AR-PAY")))
    books.compute_again(company, number, "AR-PAY")
    return books


def test_whoever_computes_all_digests_again_is_not_found_by_the_books_themselves() -> None:
    assert _rewritten().found() == []


def test_whoever_computes_all_digests_again_is_found_by_a_head_that_was_written_down() -> None:
    head = [each for each in ledger().heads() if (each.company, each.series) == ("FAB", "AR-PAY")]
    (finding,) = _rewritten().walked(head).findings
    assert finding[:3] == ("FAB", f"AR-PAY-{LAST:06}", REWRITTEN)
    assert "it, or one before it, was rewritten" in finding.message


def test_a_head_of_before_says_up_to_where_all_is_as_it_was() -> None:
    heads = [each for each in (*ledger(2).heads(), *ledger().heads()) if (each.company, each.series) == ("FAB", "AR-PAY")]
    (finding,) = _rewritten().walked(heads).findings
    assert finding.message.endswith("was rewritten together with its digest; AR-PAY-000002 is as it was written down")


def test_a_voucher_that_was_written_down_and_is_gone_with_its_number_is_missing() -> None:
    books = ledger()
    heads = books.heads()
    books.take_out("FAB", LAST, "AR-PAY")
    books.compute_again("FAB", LAST - 1, "AR-PAY")
    assert books.found() == []
    assert books.found(*heads) == [("FAB", f"AR-PAY-{LAST:06}", MISSING)]


def test_what_the_read_side_was_told_names_the_first_that_was_rewritten() -> None:
    told = {key: stored.voucher.digest for key, stored in ledger().vouchers.items()}
    findings = _rewritten().walked(told=told).findings
    assert [(each.voucher, each.problem) for each in findings] == [(f"AR-PAY-{number:06}", REWRITTEN) for number in range(3, LAST + 1)]


def test_what_the_read_side_has_not_been_told_yet_is_nothing_that_differs() -> None:
    assert ledger().walked(told=dict.fromkeys(ledger().vouchers)).findings == []


def test_a_changed_sister_is_named_though_its_own_chain_was_computed_again() -> None:
    books = ledger()
    books.write(_changed(books.get("FABE", 3)))
    books.compute_again("FABE", 3)
    (finding,) = books.walked().findings
    assert finding[:3] == ("FAB", _number(3), SISTER_DIFFERS)
    assert "its sister AR-SET-000003 of FABE is not what it was" in finding.message


def test_another_last_digest_to_go_on_from_is_found() -> None:
    books = ledger()
    books.lasts["FAB", "AR-PAY"] = books.lasts["FAB", "AR-PAY"]._replace(digest=b"x" * 32)
    assert books.found() == [("FAB", f"AR-PAY-{LAST:06}", REWRITTEN)]


# Vouchers that were posted before there were digests


def _before(number: int) -> Ledger:
    """Payments up to this number posted before there were digests; the chain begins with the next."""
    books = ledger()
    for each in range(1, number + 1):
        books.put(books.get("FAB", each, "AR-PAY"), digest=None)
    books.compute_from_nothing("FAB", number + 1, "AR-PAY")
    return books


def test_what_stands_before_the_chain_is_counted_and_is_no_finding() -> None:
    walk = _before(3).walked()
    assert (walk.findings, dict(walk.before)) == ([], {("FAB", "AR-PAY"): 3})


def test_a_chain_that_begins_again_is_a_finding() -> None:
    books = ledger()
    books.compute_from_nothing("FAB", 4, "AR-PAY")
    (finding,) = books.walked().findings
    assert finding[:3] == ("FAB", "AR-PAY-000004", OUT_OF_ORDER)


def test_digests_taken_out_of_the_beginning_of_a_chain_are_found_where_it_goes_on() -> None:
    books = ledger()
    books.put(books.get("FAB", 1, "AR-PAY"), digest=None)
    assert [each[:2] for each in books.found()] == [("FAB", "AR-PAY-000002")]


def test_findings_beyond_those_that_are_named_are_counted() -> None:
    books = ledger(MOST_NAMED + 10)
    for number in range(2, MOST_NAMED + 10):
        books.put(books.get("FAB", number, "AR-PAY"), document="another")
    walk = books.walked()
    assert (len(walk.findings), walk.found.total()) == (MOST_NAMED, MOST_NAMED + 8)
    assert not walk.holds


def test_what_is_no_digest_is_a_finding_and_stops_nothing() -> None:
    books = ledger()
    books.put(books.get("FAB", 3, "AR-PAY"), digest="nothing of the kind")
    books.put(books.get("FAB", 2), sister_contents={"": "no digest"})
    found = {(company, voucher) for company, voucher, _ in books.found()}
    assert {("FAB", "AR-PAY-000003"), ("FAB", _number(2))} <= found
