"""For `make fuzz` (schemathesis.toml names it): requests go without the cursors that schemathesis makes up.

A cursor is what an earlier answer gave; no schema says which texts are one. A text that might be one and is none is refused, and the
tests of cursors try that; left in here it would stand for every list in the way of all other parameters. One that cannot be a
cursor by its very form stays, and has to be refused.
"""

from __future__ import annotations

import re
from typing import Any

import schemathesis

MIGHT_BE_ONE = re.compile(r"[A-Za-z0-9_-]{1,4096}")


@schemathesis.hook
def before_call(context: Any, case: Any, kwargs: Any) -> None:
    """Takes the cursor off where its form is right."""
    del context, kwargs
    cursor = (case.query or {}).get("cursor")
    if isinstance(cursor, str) and MIGHT_BE_ONE.fullmatch(cursor):
        del case.query["cursor"]
