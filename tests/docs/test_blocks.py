"""What the documentation says to type works: every shell block runs in the order of its page, and gives what the page says."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import pytest

from tests.builders.load import environment
from tests.console.stage import stage
from tests.docs.blocks import RUN_BY, blocks, blocks_of, fits, pages, run
from tests.scenario_files import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from shared.settings import Settings

MOST_NOT_RUN: Final = 13
"""Only gets smaller."""
PAGES: Final = [page for page in pages() if page not in RUN_BY and any(block.reason is None for block in blocks(page))]


@pytest.fixture(scope="module")
def variables() -> Iterator[dict[str, str]]:
    """The environment of a shell in which a system runs, with a month's business in its books: one for all pages."""
    told: list[Settings] = []
    with stage(told=told.append) as address:
        yield {**environment(told[0]), "API": address}


@pytest.mark.embedded
@pytest.mark.parametrize("page", PAGES)
def test_what_a_page_says_to_type_works(page: str, tmp_path: Path, variables: dict[str, str]) -> None:
    said = blocks(page)
    came = run(said, tmp_path / "clone", variables)
    wanted = [block for block in said if block.reason is None]
    for block, output in zip(wanted, came, strict=True):
        assert block.output is None or fits(block.output, output), output


def test_blocks_that_are_not_run_say_why_and_are_few() -> None:
    skipped = {page: [block.reason for block in blocks(page) if block.reason is not None] for page in pages()}
    assert sum(map(len, skipped.values())) == MOST_NOT_RUN
    assert [reason for reasons in skipped.values() for reason in reasons if reason is None or len(reason) < 15] == []


def test_pages_that_others_run_are_named_in_the_test_that_runs_them() -> None:
    for page, test in RUN_BY.items():
        assert blocks(page)
        text = (ROOT / test).read_text(encoding="utf-8")
        assert "sections()" in text or "README.md" in text


def test_an_output_is_compared_and_an_ellipsis_matches_anything() -> None:
    assert fits("a\n…\nd\n", "a\nb\nc\nd\n")
    assert not fits("a\n…\nd\n", "a\nb\nc\n")
    assert not fits("1.00", "1x00")


def test_a_block_says_whether_it_is_run_and_what_comes_out(tmp_path: Path) -> None:
    text = "```sh\nX=1\n```\n\n```text\n```\n\n"
    text += '```{.sh .not-run reason="it would stay"}\nsleep 9\n```\n\n```sh\necho $X\n```\n\n```text\n1\n```\n'
    found = blocks_of(text)
    assert [(block.reason, block.output) for block in found] == [(None, ""), ("it would stay", None), (None, "1\n")]
    assert run(found, tmp_path / "clone", {}) == ["", "1\n"]
    with pytest.raises(AssertionError):
        run(blocks_of("```sh\nfalse\n```\n"), tmp_path / "other", {})
    with pytest.raises(ValueError, match="neither"):
        blocks_of("```{.sh .skip}\nfalse\n```\n")
