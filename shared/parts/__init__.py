"""The broker and the database that the services run on, when none are given: started, found again and stopped here."""

from shared.parts.child import EmbeddedPartError
from shared.parts.embedded import Parts, embedded_parts, parts, running_parts

__all__ = ["EmbeddedPartError", "Parts", "embedded_parts", "parts", "running_parts"]
