"""What can go wrong outside of this program, in words that say what to do; everything else is a defect and shows itself."""

from __future__ import annotations

import asyncio
import signal
from typing import TYPE_CHECKING, Any, Final

import asyncpg
from aiokafka.errors import KafkaError
from typer.core import TyperGroup

from services.inquiry.schemas import SchemaMissingError
from services.local.backing_services import NothingRunningError
from services.local.in_process import NotQuiescentError
from services.scenarios.simulation import CoreFailedError
from services.scenarios.yaml_files import FileError
from shared.console import fail
from shared.embedded import BackingServiceError
from shared.kafka.sender import NotSentError
from shared.postgresql.migrations import MigrationError
from shared.settings import SettingsError

if TYPE_CHECKING:
    from typer._click.core import Context

_SPEAKING: Final = (
    *(CoreFailedError, BackingServiceError, FileError, MigrationError, NotQuiescentError, NotSentError, NothingRunningError),
    *(SchemaMissingError, SettingsError),
)


class Commands(TyperGroup):
    """A group of commands whose known errors end in one sentence on standard error and exit code 1."""

    def invoke(self, ctx: Context) -> Any:
        """Runs the command."""
        try:
            return super().invoke(ctx)
        except asyncio.CancelledError:
            fail("stopped by a signal", 128 + signal.SIGTERM)
        except _SPEAKING as error:
            fail(str(error))
        except KafkaError as error:
            fail(f"the broker: {error}. Is KAFKA_BOOTSTRAP_SERVERS right, and does it answer?")
        except (asyncpg.PostgresError, asyncpg.InterfaceError) as error:
            fail(f"the database: {error}. Is DATABASE_URL right?")
        except OSError as error:
            fail(f"{error}. Are KAFKA_BOOTSTRAP_SERVERS and DATABASE_URL right, and do both answer?")
