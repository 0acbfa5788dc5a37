"""The kinds of documents and vouchers: the one table from which everything that depends on a kind is derived.

Invariant: a kind stands here once, with all that is different about it; who adds one adds a row here (and its name to
`InvoiceKind` where an invoice event may have it, which a test holds equal to the table).
"""

from __future__ import annotations

from typing import Final, Literal, NamedTuple

InvoiceKind = Literal["invoice", "credit_note", "interest_note", "collection_letter", "payment_fee", "refund"]
"""The kinds that an invoice event can have."""

PAYMENT: Final = "payment"
CREDIT_NOTE: Final = "credit_note"
SETTLEMENT: Final = "settlement"
SETTLEMENT_REVERSAL: Final = "settlement_reversal"
PAYMENT_REVERSAL: Final = "payment_reversal"
DOCUMENT_REVERSAL: Final = "document_reversal"


class Words(NamedTuple):
    """A text in each language of the vouchers; `{}` stands for a document's number."""

    en: str
    fr: str
    nl: str
    de: str


class Offsets(NamedTuple):
    """The posting type of the offset line of a document that names none (rules.md, "Offset lines by kind")."""

    receivable: str
    payable: str


class DocumentTraits(NamedTuple):
    """What a kind of document does: `raises` the party's balance or lowers it, and where its offset goes."""

    raises: bool
    offsets: Offsets


class Kind(NamedTuple):
    """A kind of voucher: the letters of its number series, its words, and what it does if it is a document's own."""

    series: str
    words: Words
    document: DocumentTraits | None = None


_RAISES: Final = True
_LOWERS: Final = False

KINDS: Final[dict[str, Kind]] = {
    "invoice": Kind(
        "INV",
        Words("Invoice {}", "Facture {}", "Factuur {}", "Rechnung {}"),
        DocumentTraits(_RAISES, Offsets("sales", "expense")),
    ),
    CREDIT_NOTE: Kind(
        "CRN",
        Words("Credit note {}", "Avoir {}", "Creditnota {}", "Gutschrift {}"),
        DocumentTraits(_LOWERS, Offsets("sales_returns", "purchase_returns")),
    ),
    "interest_note": Kind(
        "INT",
        Words("Interest note {}", "Note d'intérêts {}", "Rentenota {}", "Zinsrechnung {}"),
        DocumentTraits(_RAISES, Offsets("interest_income", "interest_expense")),
    ),
    "collection_letter": Kind(
        "COL",
        Words("Collection letter {}", "Lettre de relance {}", "Aanmaning {}", "Mahnung {}"),
        DocumentTraits(_RAISES, Offsets("fee_income", "fee_expense")),
    ),
    "payment_fee": Kind(
        "FEE",
        Words("Payment fee {}", "Frais de paiement {}", "Betalingskosten {}", "Zahlungsgebühr {}"),
        DocumentTraits(_RAISES, Offsets("fee_income", "fee_expense")),
    ),
    "refund": Kind(
        "REF",
        Words("Refund {}", "Remboursement {}", "Terugbetaling {}", "Rückerstattung {}"),
        DocumentTraits(_RAISES, Offsets("cash", "cash")),
    ),
    PAYMENT: Kind(
        "PAY",
        Words("Payment {}", "Paiement {}", "Betaling {}", "Zahlung {}"),
        DocumentTraits(_LOWERS, Offsets("cash", "cash")),
    ),
    SETTLEMENT: Kind("SET", Words("Settlement {}", "Lettrage {}", "Vereffening {}", "Ausgleich {}")),
    SETTLEMENT_REVERSAL: Kind(
        "SRV",
        Words("Reversal of settlement {}", "Annulation du lettrage {}", "Terugboeking van vereffening {}", "Storno des Ausgleichs {}"),
    ),
    PAYMENT_REVERSAL: Kind(
        "PRV",
        Words("Reversal of payment {}", "Annulation du paiement {}", "Terugboeking van betaling {}", "Storno der Zahlung {}"),
    ),
    DOCUMENT_REVERSAL: Kind(
        "DRV",
        Words("Reversal of document {}", "Annulation du document {}", "Terugboeking van document {}", "Storno des Belegs {}"),
    ),
}
"""Every kind of voucher, documents first, in the order in which they are listed."""

LANGUAGES: Final = Words._fields
"""The languages that vouchers have words in."""

DOCUMENT_KINDS: Final = tuple(name for name, kind in KINDS.items() if kind.document is not None)
"""The kinds of documents, payments included, in the order of the table."""

LOWERING: Final = frozenset(name for name, kind in KINDS.items() if kind.document is not None and not kind.document.raises)
"""The kinds that lower the party's balance (L); the other documents raise it (R)."""

DEFAULT_OFFSET: Final[dict[tuple[str, str], str]] = {
    (ledger, name): posting_type
    for name, kind in KINDS.items()
    if kind.document is not None
    for ledger, posting_type in kind.document.offsets._asdict().items()
}
"""The posting type of the offset line, by ledger and kind."""
