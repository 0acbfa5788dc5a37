"""The desk's own tables: what people did to what the services keep, and what they decided about it (migrations/)."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

from services.registry import PROCESSES
from shared.postgresql.migrations import Tables

if TYPE_CHECKING:
    from shared.delivery.service import AnyService

DESK: Final = Tables("desk", Path(__file__).parent / "migrations")
MIGRATED: Final[tuple[AnyService | Tables, ...]] = (*PROCESSES, DESK)
"""All that has a schema."""
