"""A parameter that decided, in the reader's words: what it is called, and its value as what it is.

Invariant: pure; a limit is an amount of its company's own currency, an account is shown as it is called, a choice in words.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from services.web.console import formats, texts

if TYPE_CHECKING:
    from collections.abc import Mapping

    from services.web.languages import Language

LIMITS: Final = frozenset({"maximum_penny_difference", "maximum_overpayment_or_underpayment"})
"""Amounts in the accounting currency of the company."""
AS_THEY_ARE: Final = frozenset({"due_to", "due_from", "summary_account", "maximum_rate_age_days"})
"""Accounts and numbers: nothing of them is a word."""
_YES_OR_NO: Final = {"True": "yes", "False": "no"}


def value(language: Language, parameter: Mapping[str, Any], currencies: Mapping[str, str | None]) -> str:
    """The value in the reader's form; `currencies`: the accounting currency of each company that the reader may see."""
    name, plain = parameter["name"], str(parameter["value"])
    if name in LIMITS:
        return f"{formats.amount(language, plain)} {currencies.get(parameter['company']) or ''}".rstrip()
    if name in AS_THEY_ARE:
        return plain
    return texts.name(language, _YES_OR_NO.get(plain, plain))
