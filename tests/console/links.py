"""The links of pages as they are without script, and whether a line is explained there."""

from __future__ import annotations

import html
import re


def links(text: str, class_: str) -> list[str]:
    """Where the links of a class lead to."""
    found = re.findall(r"<a [^>]*>", text)
    wanted = [each for each in found if re.search(rf'class="{class_}[ "]', each)]
    return [html.unescape(re.search(r'href="([^"]*)"', each).group(1)) for each in wanted]  # type: ignore[union-attr]


def following(text: str) -> str | None:
    """The next page of a list."""
    found = re.search(r'<a rel="next" href="([^"]*)"', text)
    return None if found is None else html.unescape(found[1])


def explained(text: str) -> bool:
    """Whether a sentence stands there that explains a line."""
    said = re.search(r'<p class="sentence">([^<]{10,})</p>', text)
    return said is not None and 'class="state refused"' not in text.partition('id="why"')[2]
