"""Where the scenario files are: the documented examples are part of the product, the others of its tests."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

import pytest

if TYPE_CHECKING:
    from collections.abc import Sequence

    from _pytest.mark import ParameterSet

ROOT: Final = Path(__file__).parents[1]
EXAMPLES: Final = ROOT / "services" / "scenarios" / "examples"
IC_4: Final = EXAMPLES / "ic-4.yaml"
DOCUMENTED: Final = ROOT / "tests" / "scenarios" / "documented"
"""What docs/rules.md links to as its examples."""
FILES: Final = (
    *sorted(EXAMPLES.glob("*.yaml")),
    *sorted((ROOT / "tests" / "scenarios").rglob("*.yaml")),
)


def shared_out(files: Sequence[Path]) -> list[ParameterSet]:
    """Files as parameters of a test that takes a second for each: every fifth in `make test`, the others in `make long`."""
    return [pytest.param(path, id=path.stem, marks=() if place % 5 == 0 else pytest.mark.long) for place, path in enumerate(files)]
