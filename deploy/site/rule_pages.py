"""The rule book as pages: each rule and decision with its sentence, and an example out of a scenario that covers it.

Invariant: every rule of the rule book is on exactly one page; its example is what the rules themselves make of a scenario that
tests/rules_covered.yaml names.
"""

from __future__ import annotations

from functools import cache
from html import escape
from typing import Final

from deploy.site import tables
from deploy.site.outcomes import Outcome, covers, file_of, outcome
from shared.rulebook import Rule, rule_book

GROUPS: Final = {
    "F-A": ("set-up", "A. Set-up and eligibility"),
    "F-B": ("settlement", "B. Settlement engine"),
    "F-C": ("across-companies", "C. Posting of cross-company settlement"),
    "F-D": ("cash-discounts", "D. Cash discounts"),
    "F-E": ("differences", "E. Differences, tolerances, rounding"),
    "F-F": ("reversals", "F. Reversal and revaluation"),
    "F-G": ("trade-and-vouchers", "G. Proposals, intercompany trade, vouchers"),
    "C": ("decisions", "Decisions"),
}
"""By the beginning of their ids: the page of a part of the rule book, and its title in docs/rules.md."""
MOST_VOUCHERS: Final = 3
MOST_EVENTS: Final = 16


def pages() -> dict[str, str]:
    """Every page of the rule book by its path under docs/."""
    found = {"rulebook/index.md": _index()}
    for group, (name, title) in GROUPS.items():
        rules = [rule for rule in rule_book().values() if group_of(rule.id) == group]
        found[f"rulebook/{name}.md"] = "\n".join([f"# {title}\n", _INTRODUCTION, *map(_rule, rules)])
    return found


def group_of(rule: str) -> str:
    """The part that a rule or decision is in."""
    return "C" if rule.startswith("C") else rule[:3]


def place_of(rule: str) -> str:
    """The page and place of a rule or a decision: `rulebook/set-up.md#f-a02`."""
    return f"rulebook/{GROUPS[group_of(rule)][0]}.md#{rule.lower()}"


_INTRODUCTION: Final = (
    "What each one says in full, with every case, is in [the rules](../rules.md). The examples are computed by the rules themselves when "
    "these pages are made. An example begins with what its companies have set; all else is by default. "
    "In a voucher the lines that the rule made are marked.\n"
)


_BOOK: Final = """\
Every line of every voucher names the rule or decision that made it. The rules `F-…` restate published documentation of Microsoft Dynamics
365 Finance and AX 2012; the decisions `C…` say what is done where that is silent or contradicts itself. [The rules](../rules.md) say it all
in full.
"""


def _index() -> str:
    lines = [
        "# Rule book\n",
        _BOOK,
    ]
    for group, (name, title) in GROUPS.items():
        lines.append(f"## [{title}]({name}.md)\n\n| id | title | in one sentence |\n|---|---|---|")
        members = (rule for rule in rule_book().values() if group_of(rule.id) == group)
        lines += [f"| [{rule.id}]({name}.md#{rule.id.lower()}) | {rule.title} | {rule.sentence} |" for rule in members]
        lines.append("")
    return "\n".join(lines)


def _rule(rule: Rule) -> str:
    see = ", ".join(f"[{each}](../{place_of(each)})" for each in rule.see)
    parts = [
        f"## {rule.id}: {rule.title} {{ #{rule.id.lower()} }}\n",
        f"{rule.sentence}\n",
        f"See also {see}.\n" if see else "",
        example(rule.id),
    ]
    return "\n".join(parts)


@cache
def scenario_of(rule: str) -> str | None:
    """The scenario that shows a rule: the one that the table names as its example, else the shortest of those that cover it.

    Of a rule that posts lines it is one of those that post a line by it.

    None: no scenario covers it alone.
    """
    if (named := covers()[rule].get("example")) is not None:
        return str(named)
    names: list[str] = [cover for cover in covers()[rule].get("covered_by", ()) if "::" not in cover]
    if not names:
        return None
    # Short ones first, and documented ones before ours: their figures are published.
    by_length = sorted(names, key=lambda name: file_of(name).stat().st_size * (2 if "/" in name and "documented" not in name else 1))
    if not covers()[rule].get("posts"):
        return by_length[0]
    return next(name for name in by_length if posting(outcome(name), rule))


def posting(found: Outcome, rule: str) -> list[tables.Row]:
    """The vouchers of an outcome with a line that a rule made."""
    return [row for row in found.result.vouchers if any(line["rule"] == rule for line in row["lines"])]


def example(rule: str) -> str:
    """What a scenario that covers the rule shows of it; why there is none, where it asks for nothing of the program."""
    name = scenario_of(rule)
    if name is None:
        why = covers()[rule].get("why_none")
        return f"No example: {why}.\n" if why else "No scenario shows it alone: tests of the program do.\n"
    found = outcome(name)
    marked = posting(found, rule)
    parts = [
        '<div class="example" markdown="0">',
        f'<p class="example-title">Example: {escape(found.scenario.title)} <a href="SCENARIO:{name}">{name}</a></p>',
        tables.parameters(found),
        *([tables.events(found)] if len(found.scenario.events) <= MOST_EVENTS else []),
    ]
    if marked:
        parts += [tables.voucher(row, rule=rule, names=found.result.companies) for row in marked[:MOST_VOUCHERS]]
        parts += [_more(len(marked) - MOST_VOUCHERS, name)] if len(marked) > MOST_VOUCHERS else []
    else:
        parts += what_came_of_it(found)
    return "\n".join([*parts, "</div>\n"]).replace("\n\n", "\n")


def _more(count: int, name: str) -> str:
    word = "voucher" if count == 1 else "vouchers"
    return f'<p>{count} more {word} with such lines: <a href="SCENARIO:{name}">the whole example</a>.</p>'


def what_came_of_it(found: Outcome) -> list[str]:
    """The settlements, refusals, what waits and what is open, each where there is any."""
    result = found.result
    shown = (
        ("Settled", result.settlements, tables.settlements),
        ("Refused", result.rejected, tables.rejected),
        ("Waits", result.waiting, tables.waiting),
    )
    parts = [f'<p class="part">{title}</p>\n{draw(found)}' for title, rows, draw in shown if rows]
    if not parts and result.vouchers:
        parts = [tables.voucher(row, names=result.companies) for row in result.vouchers[:MOST_VOUCHERS]]
    if result.open:
        parts.append(f'<p class="part">Open at the end</p>\n{tables.open_documents(found)}')
    return parts
