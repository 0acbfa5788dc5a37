"""The program of docs/events.md, which knows nothing of ours, comes to the digests of the published examples."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

EVENTS = Path("docs/events.md")
EXAMPLES = Path("docs/contract/examples")
_PROGRAM = re.compile(r"^```python\n(.*?)^```$", re.DOTALL | re.MULTILINE)


def program() -> dict[str, Any]:
    """What the program of the page defines."""
    names: dict[str, Any] = {}
    (text,) = [text for text in _PROGRAM.findall(EVENTS.read_text(encoding="utf-8")) if "hashlib" in text]
    exec(text, names)  # noqa: S102 - our own page
    return names


def example(name: str) -> Any:
    """The data of an example of `voucher.posted`."""
    return json.loads((EXAMPLES / f"intercompany.voucher.posted.v1{name}.json").read_text(encoding="utf-8"))["data"]


def test_the_digest_of_the_first_voucher_of_a_series_follows_from_its_event_alone() -> None:
    written = program()
    for name in ("-settlement", "-invoice"):
        voucher = example(name)
        assert (voucher["number"], written["digest"](voucher)) == (1, voucher["digest"])


def test_the_contents_of_sisters_are_the_digests_of_their_contents() -> None:
    written = program()
    seller, payer = example("-settlement"), example("-settlement-of-the-payer")
    assert seller["sister_contents"] == {payer["company"]: written["content"](payer).hex()}
    assert payer["sister_contents"] == {seller["company"]: written["content"](seller).hex()}
