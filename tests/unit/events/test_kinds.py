"""The table of kinds: complete in itself, and what the contract offers is what stands in it."""

from __future__ import annotations

from typing import get_args

from shared.events.kinds import DEFAULT_OFFSET, DOCUMENT_KINDS, KINDS, LANGUAGES, LOWERING, InvoiceKind


def test_an_invoice_event_can_have_every_kind_of_document_but_a_payment() -> None:
    assert get_args(InvoiceKind) == tuple(kind for kind in DOCUMENT_KINDS if kind != "payment")


def test_payments_and_credit_notes_lower_the_balance_and_nothing_else_does() -> None:
    assert {"payment", "credit_note"} == LOWERING


def test_every_document_has_an_offset_in_both_ledgers_and_no_other_voucher_has_one() -> None:
    assert DEFAULT_OFFSET.keys() == {(ledger, kind) for ledger in ("receivable", "payable") for kind in DOCUMENT_KINDS}
    assert (DEFAULT_OFFSET["payable", "credit_note"], DEFAULT_OFFSET["receivable", "refund"]) == ("purchase_returns", "cash")


def test_no_two_kinds_share_a_number_series_or_words() -> None:
    assert len({kind.series for kind in KINDS.values()}) == len(KINDS)
    for language in LANGUAGES:
        texts = {getattr(kind.words, language) for kind in KINDS.values()}
        assert len(texts) == len(KINDS)
        assert all(text.count("{}") == 1 for text in texts)
