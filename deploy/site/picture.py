"""The picture of README.md and of the first page: one payment for another company, the services, and what three companies post.

`python -m deploy.site.picture > docs/images/flow.svg` writes it; a test holds the file to it.

Invariant: companies, vouchers and amounts are those of the example ic-4 as the rules compute them.
"""

from __future__ import annotations

import sys
from html import escape
from typing import TYPE_CHECKING, Any, Final

from deploy.site.outcomes import outcome
from deploy.site.tables import grouped

if TYPE_CHECKING:
    from collections.abc import Iterator

Row = dict[str, Any]

WIDTH: Final = 960
_COLUMN: Final = 300
_LEFT: Final = 15
_GAP: Final = 15
_LINE: Final = 17
_TOP: Final = 150
_ROLES: Final = {"FAB": "pays", "FABE": "owes", "FABW": "is paid"}
_STEPS: Final = (
    ("payment", "what is paid for whom"),
    ("settlement", "which documents, for how much"),
    ("posting", "which lines in which ledger"),
)
_STYLE: Final = (
    "text{font:13px system-ui,-apple-system,'Segoe UI','Noto Sans','DejaVu Sans',sans-serif;fill:#1a1f1b}"
    ".b{font-weight:700}.q{fill:#566058}"
    ".r{text-anchor:end}.m{text-anchor:middle}.s{font-size:12px}.box{fill:#fff;stroke:#a9b1a8}.step{fill:#14532d}.w{fill:#fff}"
    ".a{stroke:#14532d;stroke-width:1.6;fill:none}.h{fill:#14532d}"
)


def picture() -> str:
    """The SVG."""
    found = outcome("ic-4").result
    columns = list(_columns(found.vouchers, found.companies))
    height = max(bottom for _, bottom in columns) + 20
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" role="img" aria-labelledby="t">',
        '<title id="t">One payment for another company goes through three services and makes vouchers in three companies</title>',
        f"<style>{_STYLE}</style>",
        f'<rect width="{WIDTH}" height="{height}" rx="6" fill="#f6f7f4"/>',
        *_services(),
        *(text for text, _ in columns),
        "</svg>\n",
    ]
    return "\n".join(parts)


def _services() -> Iterator[str]:
    yield _text(_LEFT, 44, "Your systems", "b")
    yield _text(_LEFT, 62, "invoices, payments,", "q s")
    yield _text(_LEFT, 77, "reference data", "q s")
    left = 165
    for name, what in _STEPS:
        yield _arrow(left - 27, left - 2, 55)
        yield f'<rect class="step" x="{left}" y="26" width="205" height="58" rx="5"/>'
        yield _text(left + 102, 51, name, "b w m")
        yield _text(left + 102, 70, what, "w m s")
        left += 232
    yield _arrow(left - 27, left - 2, 55)
    yield _text(left + 4, 51, "Vouchers,", "b")
    yield _text(left + 4, 69, "each once", "q s")
    yield f'<path class="a" d="M{WIDTH - 60} 80V{_TOP - 32}H{_LEFT + _COLUMN // 2}" stroke-dasharray="3 3"/>'
    for number in range(len(_ROLES)):
        yield _down(_LEFT + number * (_COLUMN + _GAP) + _COLUMN // 2, _TOP - 32, _TOP - 4)


def _columns(vouchers: list[Row], names: dict[str, str]) -> Iterator[tuple[str, int]]:
    """Each company's vouchers under each other, and where they end."""
    for number, (company, role) in enumerate(_ROLES.items()):
        left, top = _LEFT + number * (_COLUMN + _GAP), _TOP
        parts = [
            f'<rect class="box" x="{left}" y="{top}" width="{_COLUMN}" height="30" rx="4"/>',
            _text(left + 10, top + 20, names[company], "b"),
            _text(left + _COLUMN - 10, top + 20, role, "q r"),
        ]
        top += 40
        for voucher in (each for each in vouchers if each["company"] == company):
            drawn, top = _voucher(voucher, left, top)
            parts += drawn
        yield "\n".join(parts), top


def _voucher(voucher: Row, left: int, top: int) -> tuple[list[str], int]:
    height = 30 + _LINE * len(voucher["lines"])
    parts = [
        f'<rect class="box" x="{left}" y="{top}" width="{_COLUMN}" height="{height}" rx="4"/>',
        _text(left + 10, top + 19, f"{voucher['kind'].capitalize()} {voucher['document']}", "b s"),
    ]
    for number, line in enumerate(voucher["lines"]):
        height_of_line = top + 38 + _LINE * number
        name = line["posting_type"].replace("_", " ") + (f" {line['partner']}" if line["partner"] else "")
        is_debit = line["debit"].strip("0.") != ""
        parts.append(_text(left + 10, height_of_line, name, "s"))
        place = left + _COLUMN - (75 if is_debit else 10)
        parts.append(_text(place, height_of_line, grouped(line["debit"] if is_debit else line["credit"]), "s r"))
    return parts, top + height + 10


def _text(left: int, top: int, words: str, classes: str) -> str:
    return f'<text x="{left}" y="{top}" class="{classes}">{escape(words)}</text>'


def _arrow(left: int, right: int, top: int) -> str:
    return f'<path class="a" d="M{left} {top}H{right - 4}"/><path class="h" d="M{right} {top}l-8-4v8z"/>'


def _down(left: int, top: int, bottom: int) -> str:
    return f'<path class="a" d="M{left} {top}V{bottom - 4}" stroke-dasharray="3 3"/><path class="h" d="M{left} {bottom}l-4-8h8z"/>'


if __name__ == "__main__":
    sys.stdout.write(picture())
