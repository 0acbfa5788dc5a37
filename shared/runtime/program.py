"""A service as a program: on the product's settings, until it is told to stop (`intercompany service`, `python -m services.…`)."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from shared.embedded.addresses import NothingRunningError, product_settings
from shared.runtime import process
from shared.settings import SettingsError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from shared.delivery.service import AnyService
    from shared.runtime.process import Companion


def run_service(service: AnyService, companions: Sequence[Companion] = ()) -> None:
    """Runs one service in this process until SIGTERM or SIGINT. NothingRunningError or SettingsError where it has no addresses."""
    process.main(service, product_settings(broker=True), companions)


def main(service: AnyService, companions: Sequence[Companion] = ()) -> None:
    """The same for a module that is run: what is wrong with the settings is one sentence on standard error and exit code 1."""
    try:
        run_service(service, companions)
    except (NothingRunningError, SettingsError) as error:
        sys.exit(f"error: {error}")
