"""The broker and the database that the services run on, when none are given: started, found again and stopped here."""

from shared.embedded.backing_services import BackingServices, embedded_backing_services, running_backing_services, start_backing_services
from shared.embedded.child import BackingServiceError

__all__ = ["BackingServiceError", "BackingServices", "embedded_backing_services", "running_backing_services", "start_backing_services"]
