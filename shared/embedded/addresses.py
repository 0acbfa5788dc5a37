"""Where the product's broker and database are: as the environment says, else as a running `intercompany up` has them.

Invariant: given addresses win.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from shared.embedded.backing_services import running_backing_services
from shared.settings import Settings, load_settings

if TYPE_CHECKING:
    from shared.embedded.backing_services import BackingServices


class NothingRunningError(Exception):
    """Neither are addresses given nor does another process have backing services running; the text says what to do."""


def settings_on(started: BackingServices, **more: Any) -> Settings:
    """The environment's settings with the addresses of these backing services; `more`: settings that the caller decides."""
    addresses = {name.lower(): value for name, value in started.environment().items()}
    return Settings(**{**addresses, **more})


def product_settings(*, broker: bool = False) -> Settings:
    """Settings with the product's database (and broker): those in the environment, else of a running `intercompany up`.

    NothingRunningError if there is none; SettingsError for a wrong variable.
    """
    given = load_settings()
    if given.database_url is None or (broker and given.kafka_bootstrap_servers is None):
        running = running_backing_services(given.data_dir)
        if running is None:
            needed = "KAFKA_BOOTSTRAP_SERVERS and DATABASE_URL" if broker else "DATABASE_URL"
            msg = f"nothing runs on {given.data_dir}: start `intercompany up` in another shell, or set {needed}"
            raise NothingRunningError(msg)
        return settings_on(running)
    return given
