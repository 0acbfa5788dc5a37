"""What the rules that lines of vouchers name are called, for whoever reads the lines and does not know their ids.

Invariant: the titles are those of docs/rules.md, and every rule that a line can name has one (a test holds both).
"""

from __future__ import annotations

from typing import Final

TITLES: Final = {
    "F-A02": "Journal line shape",
    "F-A16": "Summary account",
    "F-A18": "Offset lines",
    "F-B17": "Full settlement",
    "F-C01": "AR main lines",
    "F-C02": "AP main lines",
    "F-C03": "Credit-note lines",
    "F-C04": "Discount in the invoice LE",
    "F-C05": "Discount in the payment LE",
    "F-C07": "Gain or loss in the payment LE",
    "F-C08": "Gain or loss in the invoice LE",
    "F-C09": "Gain or loss amount",
    "F-C17": "Summary accounts",
    "F-C19": "Sales tax",
    "F-C22": "Credit-note discount LE",
    "F-D10": "Manual discount",
    "F-D18": "Tax in a discount",
    "F-E01": "Maximum penny difference",
    "F-E02": "Maximum overpayment/underpayment",
    "F-E05": "Unspecific",
    "F-E08": "GL penny difference",
    "C21": "Accounts on reversal",
}
"""The title of each rule, and of the decision on reversals, that a line of a voucher can name."""
