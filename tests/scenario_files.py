"""Where the scenario files are: the documented examples are part of the product, the others of its tests."""

from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[1]
EXAMPLES: Final = ROOT / "services" / "scenarios" / "examples"
IC_4: Final = EXAMPLES / "ic-4.yaml"
DOCUMENTED: Final = ROOT / "tests" / "scenarios" / "documented"
"""What docs/rules.md links to as its examples."""
FILES: Final = (
    *sorted(EXAMPLES.glob("*.yaml")),
    *sorted((ROOT / "tests" / "scenarios").rglob("*.yaml")),
)
