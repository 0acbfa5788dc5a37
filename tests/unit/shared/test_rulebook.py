"""The rule book is whole in four languages, and says what docs/rules.md says."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from shared.events.kinds import LANGUAGES
from shared.rulebook import language_of, rule_book

RULES = (Path(__file__).parents[3] / "docs" / "rules.md").read_text(encoding="utf-8")
ROWS = dict(re.findall(r'^\| <a id="[^"]+"></a>(\S+) \| ([^|]+?) \|', RULES, re.MULTILINE))
ASKED_FOR = [rule for rule, title in ROWS.items() if "**later**" not in title]


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_rule_that_is_not_marked_later_is_there_and_no_other(language: str) -> None:
    assert list(rule_book(language)) == ASKED_FOR


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_rule_has_a_title_and_one_sentence(language: str) -> None:
    rules = rule_book(language).values()
    assert [rule.id for rule in rules if not rule.title.strip() or rule.title.endswith(".")] == []
    assert [rule.id for rule in rules if not rule.sentence.endswith(".") or ". " in rule.sentence] == []


def test_the_english_titles_are_those_of_the_rules() -> None:
    titles = {rule: re.sub(r" \[.*?\]", "", ROWS[rule]).replace("`", "") for rule in ASKED_FOR}
    assert {rule.id: rule.title for rule in rule_book().values()} == titles


def test_no_sentence_is_left_in_another_language() -> None:
    english = {rule.sentence for rule in rule_book().values()}
    for language in LANGUAGES[1:]:
        assert english & {rule.sentence for rule in rule_book(language).values()} == set()


def test_what_a_rule_leads_to_is_there_and_is_not_itself() -> None:
    book = rule_book()
    assert {see for rule in book.values() for see in rule.see} <= book.keys()
    assert [rule.id for rule in book.values() if rule.id in rule.see] == []
    assert "C1" in book["F-D15"].see


@pytest.mark.parametrize(("wanted", "language"), [("fr", "fr"), ("de-CH", "de"), ("nl_BE", "nl"), ("it", "en"), ("", "en"), (" DE", "de")])
def test_a_reader_gets_his_base_language_or_english(wanted: str, language: str) -> None:
    assert language_of(wanted) == language


def test_a_language_that_is_none_of_the_four_is_refused_with_the_four() -> None:
    with pytest.raises(ValueError, match="en, fr, nl, de"):
        rule_book("it")
