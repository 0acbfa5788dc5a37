"""The senders for whom topics are made and rights are printed: those of a group file, or those in force.

Invariant: a group file is read as the services would read it, so that nobody gets a right by a definition that they refuse.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from services.desk.reference import reference_data
from services.operations.reference_changes import changes
from services.scenarios.group_file import read_group_file
from shared.events.reference import SenderDefined
from shared.events.senders import SENDER_DEFINED

if TYPE_CHECKING:
    from pathlib import Path

    from services.desk.schemas import Schemas


def senders_of_file(path: Path) -> list[SenderDefined]:
    """The senders that a group file defines; FileError if it is not one, or if the services would refuse a definition."""
    entries = [entry for entry in read_group_file(path) if entry.type == SENDER_DEFINED]
    return [SenderDefined(**change.after) for change in changes(path, entries, {}, datetime.now(UTC))]


async def senders_in_force(schemas: Schemas) -> list[SenderDefined]:
    """The senders that are defined now."""
    return list((await reference_data(schemas)).senders.values())
