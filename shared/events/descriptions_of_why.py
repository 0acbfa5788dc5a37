"""What each field of a record's `why` means (descriptions.py has the others).

Invariant: as in descriptions.py, every field is described and nothing else is.
"""

from __future__ import annotations

from typing import Final

OF_WHY: Final[dict[str, dict[str, str]]] = {
    "Why": {
        "open_before": "What the raising document had open before. Not there: the record took all of it.",
        "money": "What the lowering document offered. Not there: it gave all of it.",
        "let_through": "What the mark let through.",
        "moved": "What unspecific administration moved from discounts into the applied part.",
        "value_left": "The accounting amount that the lowering document had left, where closing it took that rest.",
        "discount": "What decided the discount.",
        "own_discount": "What decided the credit note's own discount.",
        "remainder": "The limit within which money left over was written off.",
        "shortfall": "The limit within which what lacked was written off.",
        "gain": "What the gain or loss is the difference of.",
        "rates": "The rates that were used beside the documents' own.",
        "rules": "The rules of the amounts, beside those of the lines.",
    },
    "WhyDiscount": {
        "percent": "The percentage of the tier.",
        "tier_amount": "The amount of the tier.",
        "until": "The last day of the tier. Not there: no limit of time.",
        "date": "The date that counted, where it is not the lowering document's.",
        "whose": "Whose date counted: the request's or the primary's. Not there: the lowering document's.",
        "net": "The amount without sales tax, where the percentage is of that.",
        "gross": "The whole amount that this is of, or that the amount of the tier is of.",
        "share": "1, where the discount would be more than the whole.",
        "of": "The amount that the share was taken of.",
        "how": "partial (of what was paid), entered, mirrored (the vendor payment's), rest (full settlement alone). Not there: in full.",
        "lost": "What unspecific administration took off.",
        "added": "What full settlement added.",
    },
    "WhyLimit": {
        "limit": "The limit, in the company's accounting currency.",
        "company": "The company whose limit counts.",
        "value": "The difference in that currency.",
    },
    "WhyGain": {
        "received": "What the main line is worth in the raising document's company.",
        "settled": "The accounting amount of what it settled.",
        "discount": "The accounting amount of the discount, as it is posted.",
        "discount_before": "The same at the document's own rate.",
    },
    "WhyRate": {
        "from": "The currency of 1 unit.",
        "to": "The currency of the rate.",
        "rate": "The rate.",
        "date": "The date that it was asked for.",
        "of": "published, or event: agreed on the mark.",
        "company": "The company whose published rate it is.",
    },
}
"""The fields of the classes of `why`."""
