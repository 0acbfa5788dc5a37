"""The reader's language: negotiated by `Accept-Language`, and the texts in it.

Invariant: every text is there in every language (a test compares the files); what is asked for and not spoken is answered in
English, never refused.
"""

from __future__ import annotations

from enum import StrEnum
from functools import cache
from importlib.resources import files
from typing import Any, Final

import yaml

_MOST_RANGES: Final = 20


class Language(StrEnum):
    """The languages that are spoken."""

    ENGLISH = "en"
    FRENCH = "fr"
    DUTCH = "nl"
    GERMAN = "de"


def negotiated(accept_language: str) -> Language:
    """The best of our languages by a header `Accept-Language` (RFC 9110, 12.5.4); of equal weight the one named first."""
    best, best_weight = Language.ENGLISH, 0.0
    for part in accept_language.split(",")[:_MOST_RANGES]:
        tag, _, parameter = part.strip().partition(";")
        weight = weight_of(parameter)
        primary = tag.strip().lower().partition("-")[0]
        spoken = Language.ENGLISH if primary == "*" else next((each for each in Language if each == primary), None)
        if spoken is not None and weight > best_weight:
            best, best_weight = spoken, weight
    return best


def weight_of(parameter: str) -> float:
    """The quality value of `q=0.5`; 1 without one, 0 for one that cannot be read."""
    name, _, value = parameter.replace(" ", "").partition("=")
    if name.lower() != "q":
        return 1.0
    try:
        return min(max(float(value), 0.0), 1.0)
    except ValueError:
        return 0.0


@cache
def texts(language: Language) -> dict[str, dict[str, str]]:
    """The titles and details in a language."""
    found: Any = yaml.safe_load(files("services.web").joinpath("texts", f"{language}.yaml").read_text(encoding="utf-8"))
    return {part: dict(entries) for part, entries in found.items()}


def title(language: Language, code: str) -> str:
    """What a problem of this code is called; an event's refusal by a code of docs/events.md has one title."""
    titles = texts(language)["titles"]
    return titles.get(code) or text(language, "event-refused")


def text(language: Language, key: str) -> str:
    """The text of a detail, with its words in braces."""
    return texts(language)["details"][key]


def wrong(language: Language, key: str) -> str:
    """What is wrong with a parameter or a field, with its words in braces."""
    return texts(language)["wrong"][key]


def thing(language: Language, name: str) -> str:
    """What a thing is called that is not there, or about which there is nothing to be done; a kind of document stays as it is."""
    things = texts(language)["things"]
    first, space, rest = name.partition(" ")
    return things.get(name) or f"{things.get(first, first)}{space}{rest}"


def work_text(language: Language, key: str) -> str:
    """A text of the work lists, with its words in braces."""
    return texts(language)["work"][key]
