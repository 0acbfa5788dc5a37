"""The console's words in every language: gettext catalogues, read at start.

A message's id is its English text. What the books call something (`due_from`, `settlement_reversal`) is a message too.

Invariant: every message is there in every language (a test); one that is not known is shown as it is, never as an error.
"""

from __future__ import annotations

import re
from functools import cache
from importlib.resources import files
from typing import Final

from babel.messages.pofile import read_po

from services.web.languages import Language


@cache
def catalogue(language: Language) -> dict[str, str]:
    """The messages of a language by their ids."""
    with files("services.web.console").joinpath("texts", f"{language.value}.po").open("rb") as file:
        found = read_po(file)
    return {str(each.id): str(each.string) for each in found if each.id and each.string}


def text(language: Language, message: str, **words: object) -> str:
    """A message in the reader's language, with its words in braces."""
    found = catalogue(language).get(message, message)
    return found.format(**words) if words else found


_OF_TYPES: Final = re.compile(r"^intercompany\.|\.v\d+$")
"""What is around the name of an event's type."""


_OF_BOTH_LEDGERS: Final = frozenset({"invoice", "credit_note", "payment"})
"""Kinds of documents that are called otherwise in each of them."""


def document_name(language: Language, ledger: str, kind: str) -> str:
    """What a document of a kind is called in its ledger: a payment of payable is a vendor payment, Kreditorenzahlung."""
    side = "vendor" if ledger == "payable" else "customer"
    return name(language, f"{side}_{kind}" if kind in _OF_BOTH_LEDGERS else kind)


def name(language: Language, value: str | None) -> str:
    """What something of the books is called: `due_from` is due from, Créance sur, Te vorderen van, Forderung gegen."""
    plain = _OF_TYPES.sub("", value or "")
    return text(language, plain.replace("_", " ").replace("-", " ").replace(".", " "))
