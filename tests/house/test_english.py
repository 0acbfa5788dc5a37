"""Plain English: phrases that a native engineer or controller would not say stay out of code, comments and messages.

Migrations are left out: an applied one stays as it was, to the letter. `english_allowed.txt` names what is still there,
one `path: phrase` a line; it only gets shorter.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from tests.house.sources import PRODUCT, Finding, files, keep, over, spoken

PHRASES: Final = {
    r"\bwhat always holds\b": "Invariant:",
    r"(?<!there\s)\b(?:is|are) no (?!longer\b|more\b|other\b)": "is not a …",
    r"\banew\b": "again, restarts",
    r"\bin vain\b": "unsuccessfully, without effect",
    r"\bby hand\b": "manually",
    r"\bgo(?:es)? on\b": "continues, resumes",
    r"\bcount(?:s|ed)? on\b": "rebased",
    r"\bwithout reserve\b": "with no headroom",
    r"\bof weight\b": "significant",
    r"\btakes? (?:\w+ )?not\b": "rejects",
    r"\bby \w+ neither\b": "nor by",
    r"\bis back when\b": "returns once",
    r"\bwish(?:e[ds]|es for)?\b": "requested, instruction",
    r"\bdiscounts? typed\b|\btyped (?:cash )?(?:discount|amount)": "entered",
    r"\btakes? an? (?:\w+ )?(?:message|event|record) in\b": "handles",
    r"\bnobody looked\b": "was never loaded",
    r"\bpersistently\b": "until it succeeds",
    r"\bas soon as all is\b|\bwhen all is\b|\buntil all is\b": "once everything is",
}
"""What is not said, and what is said instead."""

PATTERNS: Final = {re.compile(phrase.replace(" ", r"\s+"), re.IGNORECASE): better for phrase, better in PHRASES.items()}
ALLOWED: Final = Path(__file__).with_name("english_allowed.txt")


def banned_phrases(path: str, text: str) -> Iterator[Finding]:
    """Banned phrases in the strings, docstrings and comments of a file."""
    for first, piece in spoken(text):
        for pattern, better in PATTERNS.items():
            for match in pattern.finditer(piece):
                line = first + piece.count("\n", 0, match.start())
                yield Finding(path, line, f"“{' '.join(match[0].lower().split())}”, say: {better}")


def _key(finding: Finding) -> str:
    return f"{finding.path}: {finding.what.split('”')[0].removeprefix('“')}"


def test_the_code_speaks_plain_english() -> None:
    keep(over(banned_phrases, files(*PRODUCT)), ALLOWED.read_text(encoding="utf-8").splitlines(), _key)


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ('"""What always holds: nothing."""', "what always holds"),
        ("# it goes\n# on", "goes on"),
        ('f"{x} is no list"', "is no"),
        ('"begun anew"', "anew"),
        ('"read in vain"', "in vain"),
        ('"settled by hand"', "by hand"),
    ],
)
def test_a_planted_phrase_is_found_with_its_line(line: str, found: str) -> None:
    (finding,) = banned_phrases("a.py", f"x = 1\n{line}\n")
    assert (finding.line, _key(finding)) == (2, f"a.py: {found}")


@pytest.mark.parametrize(
    "line", ['"there is no rate"', '"it is no longer open"', "anew = goes_on = 1", '"handsome: second-hand by handle"']
)
def test_good_english_and_names_are_not(line: str) -> None:
    assert not list(banned_phrases("a.py", f"{line}\n"))
