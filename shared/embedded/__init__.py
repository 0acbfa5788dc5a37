"""The broker and the database that the services run on, when none are given: started, found again and stopped here."""

from shared.embedded.backing_services import Parts, embedded_parts, parts, running_parts
from shared.embedded.child import EmbeddedPartError

__all__ = ["EmbeddedPartError", "Parts", "embedded_parts", "parts", "running_parts"]
