"""Duplicates: an event that was taken is seen again for ever, whatever happens in between.

Invariant: an id that is taken is a duplicate before it is anything else (docs/events.md); the same id
with other data is a conflict; an id given back is as if it had never been taken. Pure: the shell keeps
the state in the table `inbox`, the simulation in memory. A key is a UUID as text, in the one way in which UUIDs are written.
"""

from __future__ import annotations

import hashlib
import re
from enum import Enum
from typing import TYPE_CHECKING, Final
from uuid import UUID

if TYPE_CHECKING:
    from collections.abc import Mapping

    from shared.events.envelope import EventRef

OWN: Final = frozenset({"intercompany/payment", "intercompany/settlement", "intercompany/posting"})
"""The sources whose ids are keys: those of the services, which make them. Whatever else has a source has it in the key."""
InboxKey = str
"""Text, as the ids come in and as the driver takes it: objects would be made, hashed and taken apart again for every message."""
_AS_WRITTEN: Final = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")


class Verdict(Enum):
    """What an event is, seen by its id alone."""

    NEW = "new"
    DUPLICATE = "duplicate"
    CONFLICT = "conflict"


def inbox_key(ref: EventRef) -> InboxKey:
    """Under what an event is remembered (architecture/delivery.md, "Names and ids").

    Ids of our own have their time in front, so that the index grows at one end; of an event from outside, which may
    have any id, it is a digest of source and id.
    """
    if ref.source in OWN:
        if _AS_WRITTEN.fullmatch(ref.id):
            return ref.id
        try:
            return str(UUID(ref.id))
        except ValueError:
            pass  # a replay's suffix: as if from outside
    digest = hashlib.blake2b(f"{ref.source}\0{ref.id}".encode(), digest_size=16).hexdigest()
    return f"{digest[:8]}-{digest[8:12]}-{digest[12:16]}-{digest[16:20]}-{digest[20:]}"


class Inbox:
    """Which ids are taken, with the digest of the data that took them.

    `known` is what was there before; `changes` what was taken (digest) and given back (None) since.
    """

    def __init__(self, known: Mapping[InboxKey, bytes] | None = None) -> None:
        self._known: Mapping[InboxKey, bytes] = known or {}
        self.changes: dict[InboxKey, bytes | None] = {}

    def digest(self, key: InboxKey) -> bytes | None:
        """The digest of the data that took this id; None: the id is free."""
        return self.changes[key] if key in self.changes else self._known.get(key)

    def judge(self, key: InboxKey, digest: bytes) -> Verdict:
        """What an event with this id and data is; takes nothing."""
        taken = self.digest(key)
        if taken is None:
            return Verdict.NEW
        return Verdict.DUPLICATE if taken == digest else Verdict.CONFLICT

    def take(self, key: InboxKey, digest: bytes) -> None:
        """Takes the id."""
        self.changes[key] = digest

    def free(self, ref: EventRef) -> None:
        """Gives an id back."""
        self.changes[inbox_key(ref)] = None
