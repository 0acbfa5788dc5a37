"""Where the scenario files are: the documented examples are part of the product, the others of its tests."""

from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[1]
EXAMPLES: Final = ROOT / "services" / "scenarios" / "examples"
IC_4: Final = EXAMPLES / "ic-4.yaml"
DOCUMENTED: Final = ROOT / "tests" / "scenarios" / "documented"
"""What docs/rules.md links to as its example of rules that are still to come: right figures, not run until the rules are built."""
FILES: Final = (
    *sorted(EXAMPLES.glob("*.yaml")),
    *(path for path in sorted((ROOT / "tests" / "scenarios").rglob("*.yaml")) if DOCUMENTED not in path.parents),
)
