"""The rule book for readers: what each rule and decision is called and says, in one sentence, in four languages.

Invariant: every rule of docs/rules.md that is not still to come is there in each language, and nothing else is (a test);
a language is read when it is first asked for.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any, Final

import msgspec
import yaml

from shared.events.kinds import LANGUAGES

__all__ = ["Rule", "language_of", "rule_book"]

_FILES: Final = Path(__file__).parent
_FALLBACK: Final = "en"


class Rule(msgspec.Struct, frozen=True):
    """A rule or decision: its id, title, one sentence, and the ids of the rules and decisions that it leads to."""

    id: str
    title: str
    sentence: str
    see: tuple[str, ...] = ()


def language_of(wanted: str) -> str:
    """The language of the rule book for somebody's: a variant's base language (`de-CH`), English for any other."""
    base = wanted.replace("_", "-").partition("-")[0].strip().lower()
    return base if base in LANGUAGES else _FALLBACK


@cache
def rule_book(language: str = _FALLBACK) -> dict[str, Rule]:
    """The rules and decisions by id, in one of the four languages, in the order of docs/rules.md; ValueError for any other."""
    if language not in LANGUAGES:
        msg = f"{language!r} is not a language of the rule book: it has {', '.join(LANGUAGES)}"
        raise ValueError(msg)
    links = _read("links")
    entries = {id_: {**entry, "id": id_, "see": links.get(id_, ())} for id_, entry in _read(language).items()}
    return msgspec.convert(entries, dict[str, Rule])


def _read(name: str) -> dict[str, Any]:
    found: dict[str, Any] = yaml.load((_FILES / f"{name}.yaml").read_text(encoding="utf-8"), Loader=_LOADER)  # noqa: S506 - a safe loader
    return found


_LOADER: Final = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
"""The same in C where it is there: ten times as fast."""
