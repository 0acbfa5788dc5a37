"""Of what stage of a service's work a function is: what it calls belongs to it too, until a function of another stage is called.

Invariant: each name is a function that there is (test_budget.py), so that none is left out of the budget by being renamed.
"""

from __future__ import annotations

from typing import Final

DRIVER: Final = "driver, event loop"
"""What none of the stages has called."""

STAGES: Final[dict[str, dict[str, tuple[str, ...]]]] = {
    "shared/delivery/batch.py": {"rest of a batch": ("Delivery.deliver",)},
    "shared/delivery/folding.py": {"decode": ("decoded",), "weigh, tell apart": ("candidates",), "fold: loop": ("fold_candidates",)},
    "shared/delivery/weight.py": {"weigh, tell apart": ("by_entries", "first_by_size")},
    "shared/delivery/shell_tables.py": {"inbox, positions, outbox": ("open_batch", "change_inbox", "finish", "save_released")},
    "shared/delivery/outbox.py": {"encode": ("encoded", "pack")},
    "shared/events/emitting.py": {"fold: emit": ("Emitter.emit",)},
    "services/settlement/store.py": {"load": ("Store.load", "Store.load_missing"), "save": ("Store.save",)},
    "services/posting/store.py": {"load": ("Store.load", "Store.load_missing"), "save": ("Store.save",)},
    "services/payment/store.py": {"load": ("Store.load", "Store.load_missing"), "save": ("Store.save",)},
    "services/settlement/rules/incoming.py": {"fold: read": ("read",)},
    "services/settlement/rules/fold.py": {"fold: turn": ("fold",)},
    "services/settlement/rules/arrivals.py": {"fold: document": ("take_over",)},
    "services/settlement/rules/instructions.py": {"fold: step 1, what is there": ("begin_to_settle", "try_to_settle")},
    "services/settlement/rules/refusals.py": {"fold: step 1, refusals": ("refusal_of",)},
    "services/settlement/rules/run/gather.py": {"fold: step 1, open items": ("gather",)},
    "services/settlement/rules/run/compute.py": {"fold: what a run waits for": ("compute",)},
    "services/settlement/rules/run/order.py": {"fold: step 2, order": ("put_in_order",)},
    "services/settlement/rules/run/pairing.py": {"fold: steps 3 and 4, matches": ("match_all",)},
    "services/settlement/rules/run/cash_discount.py": {"fold: steps 5 to 7, differences": ("reduce_by_overpayments", "settle_fully")},
    "services/settlement/rules/run/differences.py": {"fold: steps 5 to 7, differences": ("write_off",)},
    "services/settlement/rules/run/records.py": {"fold: records": ("make_records",)},
    "services/settlement/rules/run/decided.py": {"fold: why": ("why_of",)},
    "services/settlement/rules/run/carry_out.py": {"fold: carry out": ("carry_out",)},
    "services/settlement/rules/sales_payments.py": {"fold: sales payments": ("post_journal", "receive_reply")},
    "services/settlement/rules/automatic.py": {"fold: automatic settlement": ("settle_automatically",)},
    "services/posting/rules/fold.py": {"fold: turn": ("fold",)},
    "services/posting/rules/documents.py": {"fold: voucher of a document": ("document_voucher",)},
    "services/posting/rules/records_posting.py": {"fold: vouchers of a record": ("settlement_vouchers",)},
    "services/posting/rules/voucher_draft.py": {"fold: line": ("VoucherDraft.line",), "fold: balance, number": ("post",)},
    "services/posting/rules/chain.py": {"fold: chain": ("content_digest", "lines_content", "chained", "sisters_of")},
    "services/payment/rules/payments.py": {"fold: hand on a payment": ("payment_journal",)},
    "services/payment/rules/journals.py": {"fold: mirror a run": ("mirror_run",)},
    "services/payment/rules/allocation.py": {"fold: what a payment gave": ("payment_shares",)},
}
"""By file the stages, and the functions that begin them."""
