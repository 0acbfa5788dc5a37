"""Line texts in the company's language: the kind and number of the voucher's document, then what the line is.

Invariant: a language that is not here (or a variant of one, `de-CH`) falls back to its base language, then to
English; a posting type without words stands for itself, as it does for its account.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Final

from shared.events.kinds import KINDS, LANGUAGES

FALLBACK: Final = "en"

_POSTING_TYPES: Final = {
    "en": {
        "accounts_receivable": "accounts receivable",
        "accounts_payable": "accounts payable",
        "cash": "cash",
        "sales": "sales",
        "sales_tax": "sales tax",
        "sales_returns": "sales returns",
        "expense": "expense",
        "purchase_returns": "purchase returns",
        "interest_income": "interest income",
        "interest_expense": "interest expense",
        "fee_income": "fee income",
        "fee_expense": "fee expense",
        "cash_discount": "cash discount",
        "overpayment_underpayment": "overpayment or underpayment",
        "penny_difference": "penny difference",
        "realized_gain": "realized exchange gain",
        "realized_loss": "realized exchange loss",
        "due_to": "due to",
        "due_from": "due from",
    },
    "fr": {
        "accounts_receivable": "clients",
        "accounts_payable": "fournisseurs",
        "cash": "trésorerie",
        "sales": "ventes",
        "sales_tax": "TVA",
        "sales_returns": "retours sur ventes",
        "expense": "charges",
        "purchase_returns": "retours sur achats",
        "interest_income": "produits d'intérêts",
        "interest_expense": "charges d'intérêts",
        "fee_income": "produits de frais",
        "fee_expense": "charges de frais",
        "cash_discount": "escompte",
        "overpayment_underpayment": "excédent ou insuffisance de paiement",
        "penny_difference": "écart d'arrondi",
        "realized_gain": "gain de change réalisé",
        "realized_loss": "perte de change réalisée",
        "due_to": "dû à",
        "due_from": "à recevoir de",
    },
    "nl": {
        "accounts_receivable": "debiteuren",
        "accounts_payable": "crediteuren",
        "cash": "liquide middelen",
        "sales": "omzet",
        "sales_tax": "btw",
        "sales_returns": "retouren verkoop",
        "expense": "kosten",
        "purchase_returns": "retouren inkoop",
        "interest_income": "rentebaten",
        "interest_expense": "rentelasten",
        "fee_income": "opbrengst kosten",
        "fee_expense": "betalingskosten",
        "cash_discount": "betalingskorting",
        "overpayment_underpayment": "te veel of te weinig betaald",
        "penny_difference": "afrondingsverschil",
        "realized_gain": "gerealiseerde koerswinst",
        "realized_loss": "gerealiseerd koersverlies",
        "due_to": "verschuldigd aan",
        "due_from": "te vorderen van",
    },
    "de": {
        "accounts_receivable": "Debitoren",
        "accounts_payable": "Kreditoren",
        "cash": "Zahlungsmittel",
        "sales": "Umsatzerlöse",
        "sales_tax": "Umsatzsteuer",
        "sales_returns": "Erlösschmälerungen",
        "expense": "Aufwand",
        "purchase_returns": "Rücksendungen an Lieferanten",
        "interest_income": "Zinserträge",
        "interest_expense": "Zinsaufwand",
        "fee_income": "Gebührenerträge",
        "fee_expense": "Gebührenaufwand",
        "cash_discount": "Skonto",
        "overpayment_underpayment": "Über- oder Unterzahlung",
        "penny_difference": "Centdifferenz",
        "realized_gain": "realisierter Kursgewinn",
        "realized_loss": "realisierter Kursverlust",
        "due_to": "Verbindlichkeit gegenüber",
        "due_from": "Forderung gegen",
    },
}


@lru_cache(maxsize=1024)
def _known(language: str) -> str:
    base = language.replace("_", "-").partition("-")[0].lower()
    return base if base in LANGUAGES else FALLBACK


@lru_cache(maxsize=8192)
def line_words(language: str, posting_type: str, partner: str | None) -> str:
    """What a line is, in words: its posting type, and on due to and due from the other company."""
    words = _POSTING_TYPES[_known(language)].get(posting_type, posting_type)
    return f"{words} {partner}" if partner is not None else words


def voucher_words(language: str, kind: str, document: str) -> str:
    """What a voucher is of, in words: `voucher_words("en", "settlement", "PAY-1")` is "Settlement PAY-1"."""
    words: str = getattr(KINDS[kind].words, _known(language)).format(document)
    return words
