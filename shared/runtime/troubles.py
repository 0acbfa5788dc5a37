"""What is wrong with a running service right now: the truth behind readiness.

Invariant: a trouble stands from its first failure until the same thing succeeds; nothing else clears it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

import structlog

from shared.metrics import TROUBLES

if TYPE_CHECKING:
    from shared.delivery.ports import Clock

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Trouble:
    """Something that does not work: since when (monotonic seconds) and the last error."""

    since: float
    error: str


_NO_SUCH_TABLE_OR_COLUMN: Final = frozenset({"42P01", "42703"})
"""SQLSTATEs; no statement of ours meets them on the schema of its own version."""
_OTHER_SCHEMA: Final = "the schema is not this version's: run `intercompany migrate` of this version, or stop it if a newer one has"


def _in_words(error: BaseException) -> str:
    said = f"{type(error).__name__}: {error}"
    return f"{_OTHER_SCHEMA} ({said})" if getattr(error, "sqlstate", None) in _NO_SUCH_TABLE_OR_COLUMN else said


@dataclass(slots=True)
class Troubles:
    """All troubles of a service, by what is troubled: `batch`, `relay`, `reference`, `topics` and so on."""

    clock: Clock
    open: dict[str, Trouble] = field(default_factory=dict)

    def failed(self, what: str, error: BaseException | str) -> None:
        """Notes a failure."""
        text = error if isinstance(error, str) else _in_words(error)
        before = self.open.get(what)
        self.open[what] = Trouble(before.since if before else self.clock.monotonic(), text)
        TROUBLES.labels(what).inc()
        log.warning("trouble", what=what, error=text)

    def recovered(self, what: str) -> None:
        """Notes a success."""
        if self.open.pop(what, None) is not None:
            log.info("trouble is over", what=what)
