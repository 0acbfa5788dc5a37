"""A failure of something that waited and resumes is told from a failure of what woke it.

Invariant: what woke it is taken whatever becomes of what resumes, which stays waiting by itself.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from shared.events.envelope import EventRef
from shared.missing import NotLoadedError


class ResumeDefectError(Exception):
    """A core failed on something that waited and resumed: that stays as it was, what woke it is taken. Its cause is the failure."""

    def __init__(self, sequence: int, event: EventRef) -> None:
        super().__init__(f"what {event.id} of {event.source} waited with cannot resume")
        self.sequence = sequence
        self.event = event


@contextmanager
def resuming(sequence: int, event: EventRef) -> Iterator[None]:
    """Says of a failure that it is of what resumes, its place in the order of arrival and its event, not of what woke it."""
    try:
        yield
    except (NotLoadedError, ResumeDefectError, MemoryError):
        raise
    except Exception as error:
        raise ResumeDefectError(sequence, event) from error
