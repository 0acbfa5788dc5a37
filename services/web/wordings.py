"""What is wrong with a parameter or a field of a body, in the reader's language, and what would be right.

Invariant: every sentence is one of texts/*.yaml (`wrong`); what the validation says itself, in English, is shown to nobody.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from typing import Any, Final

from services.web.languages import Language, text, wrong
from services.web.models import AN_ID, CURSOR, DAYS, DURATION, KEY, PRINTABLE, VERSION_READ
from shared.events.values import shown

_PATTERNS: Final = {
    PRINTABLE: "printable",
    AN_ID: "id",
    CURSOR: "cursor",
    KEY: "key",
    VERSION_READ: "version",
    DURATION: "duration",
    DAYS: "buckets",
}
"""What text a pattern stands for; one with line breaks (a reason) is printable too."""
_KINDS: Final[Mapping[str, str]] = {
    "missing": "missing",
    "extra_forbidden": "no-such-field",
    **dict.fromkeys(("string_type", "string_sub_type", "string_unicode"), "text"),
    "string_too_short": "too-short",
    "string_too_long": "too-long",
    **dict.fromkeys(("int_type", "int_parsing", "int_from_float", "int_parsing_size"), "number"),
    **dict.fromkeys(("greater_than_equal", "greater_than"), "at-least"),
    **dict.fromkeys(("less_than_equal", "less_than"), "at-most"),
    **dict.fromkeys(("bool_type", "bool_parsing"), "true-or-false"),
    **dict.fromkeys(("literal_error", "enum"), "one-of"),
    "list_type": "list",
    **dict.fromkeys(("dict_type", "mapping_type", "model_type", "model_attributes_type", "dataclass_type"), "object"),
    "too_short": "too-few",
    "too_long": "too-many",
    **dict.fromkeys(("a-day", "date_type", "date_parsing", "date_from_datetime_parsing", "date_from_datetime_inexact"), "day"),
    **dict.fromkeys(
        ("a-time", "datetime_type", "datetime_parsing", "datetime_from_date_parsing", "datetime_object_invalid", "timezone_aware"), "time"
    ),
    **dict.fromkeys(("an-amount", "decimal_type", "decimal_parsing", "finite_number"), "amount"),
    "either": "either",
    "bare-event": "bare-event",
}
"""Which sentence is said of each kind of error of the validation."""
_QUOTED: Final = re.compile(r"'([^']*)'")


def worded(error: Mapping[str, Any], fields: Sequence[str], language: Language) -> str:
    """One error of the validation in words; `fields`: those that there are where it is."""
    kind, context = error["type"], error.get("ctx", {})
    key = _KINDS.get(kind, "otherwise")
    if kind == "string_pattern_mismatch":
        key = _PATTERNS.get(context["pattern"], "printable")
    known = _QUOTED.findall(str(context.get("expected", ""))) if key == "one-of" else list(fields)
    hint = near_or_all(str(error["loc"][-1]) if key == "no-such-field" else str(error["input"]), known, language)
    words = {name.replace(" ", ""): value for name, value in context.items() if name not in {"hint", "value", "fields"}}
    bound = context.get("ge", context.get("gt", context.get("le", context.get("lt"))))
    return wrong(language, key).format(**words, value=shown(error["input"]), hint=hint, fields=", ".join(fields), bound=bound)


def near_or_all(given: str, known: Sequence[str], language: Language) -> str:
    """What was meant by what is not known, if that can be told, else all that there is."""
    near = get_close_matches(given, known, n=1) or [each for each in known if each.lower() == given.lower()]
    if near:
        return text(language, "did-you-mean").format(name=near[0])
    return text(language, "known-parameters").format(names=", ".join(known)) if known else text(language, "no-parameters")
