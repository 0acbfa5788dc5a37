"""A service as a program: on the product's settings, until it is told to stop (`intercompany service`, `python -m services.…`)."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from shared.embedded.addresses import NothingRunningError, product_settings
from shared.runtime import process
from shared.settings import SettingsError

if TYPE_CHECKING:
    from shared.delivery.service import AnyService


def run_service(service: AnyService) -> None:
    """Runs one service in this process until SIGTERM or SIGINT. NothingRunningError or SettingsError where it has no addresses."""
    process.main(service, product_settings(broker=True))


def main(service: AnyService) -> None:
    """The same for a module that is run: what is wrong with the settings is one sentence on standard error and exit code 1."""
    try:
        run_service(service)
    except (NothingRunningError, SettingsError) as error:
        sys.exit(f"error: {error}")
