"""Where the scenario files are: the documented examples are part of the product, the others of its tests."""

from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[1]
EXAMPLES: Final = ROOT / "services" / "scenarios" / "examples"
IC_4: Final = EXAMPLES / "ic-4.yaml"
DOCUMENTED: Final = ROOT / "tests" / "scenarios" / "documented"
"""What docs/rules.md links to as its examples."""
TO_COME: Final = frozenset(
    {
        *("auto-1", "cross-rate-1"),
        *("tax-1", "tax-2", "k02-amount-to-settle-on-a-payment", "k03-primary-and-money-held-back"),
        *("k05-amount-to-settle-and-other-currencies", "k06-one-rate-both-ways", "k06b-one-rate-both-ways-accounting-currencies"),
        *("k11-unspecific-in-another-currency", "k13-credit-note-discount-in-its-own-currency", "k14-priority-by-cash-discount-date"),
        *("k23-a-tie-at-an-inverse-rate", "k24-what-automatic-settlement-leaves-out", "k25-account-of-a-typed-discount"),
        *("k28-full-settlement-and-a-small-shortfall", "k29-a-primary-credit-notes-own-part"),
    }
)
"""The documented examples whose rules are not built yet: right figures, not run."""
FILES: Final = (
    *sorted(EXAMPLES.glob("*.yaml")),
    *(path for path in sorted((ROOT / "tests" / "scenarios").rglob("*.yaml")) if path.stem not in TO_COME),
)
