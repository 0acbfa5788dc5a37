"""The law is in the repository: what code, tests and scenarios cite stands in docs/, and what stands there is covered or still to come."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any, Final

import pytest
import yaml

from deploy.site import codes, rule_pages
from tests.scenario_files import DOCUMENTED, ROOT

DOCS: Final = ROOT / "docs"
PRODUCT: Final = ("services", "shared")
CITING: Final = (*PRODUCT, "tests", "deploy")
SUFFIXES: Final = {".py", ".sql", ".yaml", ".yml"}
PAGES: Final = sorted([*DOCS.rglob("*.md"), *ROOT.glob("*.md"), *(ROOT / "deploy").glob("*.md")])
RULE: Final = re.compile(r"(?<!%)\b(?:F-[A-Z]\d+|C\d+)\b")
"""What looks like the id of a rule or decision, whether or not any could have it."""
ROW: Final = re.compile(r'^\| <a id="(?P<anchor>[^"]+)"></a>(?P<id>\S+) \| (?P<what>[^|]+)\|', re.MULTILINE)
TABLE: Final[dict[str, dict[str, Any]]] = yaml.safe_load((ROOT / "tests" / "rules_covered.yaml").read_text(encoding="utf-8"))

# What a citation looks like: events.md, "Topics" · (rules.md, "A" and "B") · "A" of rules.md · rules.md, step 2
PAGE: Final = r"\b(?P<page>(?:architecture/)?[a-z_]+)\.md"
QUOTED: Final = r'"(?P<section>[A-Z][^"]{2,70})"'
AFTER: Final = re.compile(rf'{PAGE},? \(?(?P<sections>{QUOTED}(?: and "[A-Z][^"]{{2,70}}")*)')
BEFORE: Final = re.compile(rf"{QUOTED} of {PAGE}")
STEP: Final = re.compile(r"rules\.md, step (?P<step>\d)")


def _read(path: Path) -> str:
    return path.read_text(encoding="utf-8")


@cache
def _files() -> tuple[Path, ...]:
    found = (path for room in CITING for path in sorted((ROOT / room).rglob("*")) if path.suffix in SUFFIXES)
    return tuple(path for path in found if path != Path(__file__))


def _flowing(text: str) -> str:
    """The text with its line breaks taken out, those inside comments too."""
    return re.sub(r"\s*\n\s*(?:--|#)?\s*", " ", text)


@cache
def _ids() -> dict[str, bool]:
    """Every rule and decision of docs/rules.md, and whether it is marked later as a whole."""
    return {row["id"]: "**later**" in row["what"] for row in ROW.finditer(_read(DOCS / "rules.md"))}


def _names_in_yaml(node: Any) -> Iterator[str]:
    if isinstance(node, dict):
        for key, value in node.items():
            yield str(key)
            yield from _names_in_yaml(value)
    elif isinstance(node, list):
        for value in node:
            yield from _names_in_yaml(value)
    else:
        yield str(node)


def _names(path: Path, text: str) -> set[str]:
    """What a test or scenario uses as the name of an account, document or event: there, C2 is that account and no decision."""
    if path.relative_to(ROOT).parts[0] in PRODUCT and "examples" not in path.parts:
        return set()
    if path.suffix == ".py":
        return {node.value for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Constant) and isinstance(node.value, str)}
    if path.suffix in {".yaml", ".yml"}:
        return {name for document in yaml.safe_load_all(text) for name in _names_in_yaml(document)}
    return set()


def _cited(path: Path, text: str) -> set[str]:
    """What a file cites and the rules do not have."""
    found = set(RULE.findall(text)) - set(_ids())
    return found - {name for name in _names(path, text) if name.startswith("C")} if found else found


def test_docs_rules_has_the_rule_book_and_the_decisions_each_once_with_its_own_anchor() -> None:
    rows = list(ROW.finditer(_read(DOCS / "rules.md")))
    assert [row["id"] for row in rows if row["anchor"] != row["id"]] == []
    assert len(rows) == len(_ids())
    assert {identifier[:3] for identifier in _ids() if identifier.startswith("F-")} == {f"F-{part}" for part in "ABCDEFG"}
    assert {identifier for identifier in _ids() if identifier.startswith("C")} >= {"C1", "C50"}


def test_every_rule_and_decision_that_is_cited_stands_in_the_rules() -> None:
    unknown = {str(path.relative_to(ROOT)): sorted(cited) for path in _files() if (cited := _cited(path, _read(path)))}
    assert unknown == {}


@pytest.mark.parametrize("planted", ["F-Z99", "F-A99", "F-C123", "F-C1", "C999", "C99"])
def test_a_planted_citation_of_what_is_not_there_is_found(planted: str) -> None:
    for room, suffix, text in (
        ("services", ".py", f'"""As in {planted}."""'),
        ("shared", ".sql", f"-- {planted}"),
        ("tests", ".py", f"# {planted}"),
    ):
        assert _cited(ROOT / room / f"planted{suffix}", f"{text}\n") == {planted}
    assert _cited(ROOT / "services" / "planted", "As in F-C04 and C21.") == set()


def test_every_rule_and_decision_that_the_documents_cite_stands_in_the_rules() -> None:
    unknown = {path.name: missing for path in PAGES if (missing := sorted(set(RULE.findall(_read(path))) - set(_ids())))}
    assert unknown == {}


@pytest.mark.parametrize("rule", _ids())
def test_every_rule_is_covered_or_marked_later(rule: str) -> None:
    known = rule in TABLE
    assert known != _ids()[rule], "marked later, and yet covered" if known else "neither covered nor marked later"


def test_the_table_of_covers_knows_no_rule_that_the_rules_do_not_have() -> None:
    assert {rule for rule in TABLE if RULE.fullmatch(rule)} - set(_ids()) == set()


def _page(name: str) -> list[Path]:
    """The files of a page: NAME.md in docs/ or deploy/, or all of docs/NAME/ where it is a folder."""
    pages = [page for room in (DOCS, ROOT / "deploy") if (page := room / f"{name}.md").is_file()]
    return pages or sorted((DOCS / name).glob("*.md"))


@cache
def _headings(name: str) -> tuple[str, ...]:
    found = [line for path in _page(name) for line in re.findall(r"^#+ (.+)$", _read(path), flags=re.MULTILINE)]
    return tuple(heading.replace("`", "") for heading in found)


def _is_section(page: str, section: str) -> bool:
    wanted = section.rstrip(".,").removesuffix("…").rstrip(" ,")
    return any(wanted in heading for heading in _headings(page))


def _sections(text: str) -> Iterator[tuple[str, str]]:
    for match in AFTER.finditer(text):
        for section in re.findall(r'"([^"]+)"', match["sections"]):
            yield match["page"], section
    for match in BEFORE.finditer(text):
        yield match["page"], match["section"]
    for match in STEP.finditer(text):
        yield "rules", f"Step {match['step']}:"


def test_every_page_that_is_cited_is_there() -> None:
    missing = {
        (str(path.relative_to(ROOT)), page)
        for path in _files()
        for page in re.findall(r"(?<![/\w-])((?:architecture/)?[a-z_]+)\.md\b", _read(path))
        if not _page(page)
    }
    assert missing == set()


def test_every_section_that_is_cited_is_a_heading_of_its_page() -> None:
    cited = {
        (path, page, section)
        for path in _files()
        if DOCUMENTED not in path.parents  # these quote sentences, not headings
        for page, section in _sections(_flowing(_read(path)))
    }
    assert len(cited) > 15, "the citations are no longer recognized"
    assert {(path.name, page, section) for path, page, section in cited if not _is_section(page, section)} == set()


def _targets(text: str) -> Iterator[str]:
    """What a Markdown page links to: inline links and link definitions, code left out."""
    text = re.sub(r"```.*?```|`[^`\n]*`", "", text, flags=re.DOTALL)
    yield from re.findall(r"\]\(([^)\s]+)\)", text)
    yield from re.findall(r"^\[[^\]]+\]: (\S+)$", text, flags=re.MULTILINE)


def _anchor(heading: str) -> str:
    """The anchor that Markdown hosts give to a heading."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


def _anchors(path: Path) -> set[str]:
    text = _read(path)
    return {_anchor(heading) for heading in re.findall(r"^#+ (.+)$", text, flags=re.MULTILINE)} | set(re.findall(r'<a id="([^"]+)"', text))


@cache
def _generated() -> dict[Path, str]:
    """The pages that are there only when the documentation is built (deploy/site)."""
    return {DOCS / path: text for path, text in {**rule_pages.pages(), codes.PAGE: codes.page()}.items()}


def _is_broken(page: Path, target: str) -> bool:
    path, _, anchor = target.partition("#")
    file = (page.parent / path).resolve() if path else page
    if (made := _generated().get(file)) is not None:
        return bool(anchor) and f"{{ #{anchor} }}" not in made
    return not file.exists() or bool(anchor and file.suffix == ".md" and anchor not in _anchors(file))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_relative_link_of_a_page_leads_somewhere(page: Path) -> None:
    relative = {target for target in _targets(_read(page)) if "://" not in target}
    assert {target for target in relative if _is_broken(page, target)} == set()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_example_that_a_page_names_in_brackets_is_a_link(page: Path) -> None:
    text = re.sub(r"```.*?```|`[^`\n]*`", "", _read(page), flags=re.DOTALL)
    defined = set(re.findall(r"^\[([^\]]+)\]: \S+$", text, flags=re.MULTILINE))
    named = {name for name in re.findall(r"\[([a-z0-9/-]+)\](?![(\[])", text) if re.search(r"[\d/-]", name)}
    assert named - defined == set()
    assert defined - named == {name for name in defined if not re.search(r"[\d/-]", name)}, "a link that nothing uses"


@pytest.mark.parametrize("page", sorted(DOCS.rglob("*.md")), ids=lambda page: str(page.relative_to(ROOT)))
def test_every_file_that_a_page_names_is_there(page: Path) -> None:
    named = re.findall(r"`((?:services|shared|tests)/[\w./-]+)`", _read(page))
    assert [name for name in named if not (ROOT / name).exists()] == []


def _examples(text: str) -> Iterator[str]:
    """The blocks of a page that show examples: quoted paragraphs and the last cell of a rule's row."""
    for block in re.findall(r"(?:^>.*\n)+", text, flags=re.MULTILINE):
        yield re.sub(r"\n> ?", " ", block)
    for row in re.findall(r"^\| <a id=.*$", text, flags=re.MULTILINE):
        yield row.split("|")[-2]


def _figures(text: str) -> set[str]:
    """Amounts and rates, those aside by which something is multiplied or divided."""
    return {figure.replace(",", "") for figure in re.findall(r"(?<![\u00f7\u00d7] )(?<![\d.,])\d[\d,]*\.\d+", text)}


def _said(page: Path) -> Iterator[tuple[str, str, bool]]:
    """Each figure that a page gives for an example, and whether the example's scenario file has it."""
    text = _read(page)
    files = dict(re.findall(r"^\[([^\]]+)\]: (\S+\.yaml)$", text, flags=re.MULTILINE))
    for block in _examples(text):
        parts = re.split(r"\[([a-z0-9/-]+)\]", block)
        for name, said in zip(parts[1::2], parts[2::2], strict=True):
            if name in files:
                scenario = _read(page.parent / files[name]).replace(",", "")
                yield from ((name, figure, figure in scenario) for figure in _figures(said))


@pytest.mark.parametrize("page", [DOCS / "rules.md", DOCS / "events.md"], ids=lambda page: page.name)
def test_every_figure_beside_an_example_stands_in_its_scenario_file(page: Path) -> None:
    said = list(_said(page))
    assert len(said) > 8, "the examples are no longer recognized"
    assert [(name, figure) for name, figure, is_there in said if not is_there] == []
