"""What can go wrong outside of this program, in words that say what to do; everything else is a defect and shows itself.

Invariant: the classes of these errors are imported once something has gone wrong, so that no command waits for them.
"""

from __future__ import annotations


def in_words(error: Exception) -> str | None:
    """A sentence about an error whose cause is outside of this program; None: it is a defect."""
    if isinstance(error, _that_speak()):
        return str(error)
    return _of_a_backing_service(error)


def _that_speak() -> tuple[type[Exception], ...]:
    from services.contract.checking import NoContractError  # noqa: PLC0415 - here and below: see the module's docstring
    from services.desk.schemas import SchemaMissingError  # noqa: PLC0415
    from services.desk.why.finding import NoSuchLineError  # noqa: PLC0415
    from services.local.in_process import NotQuiescentError  # noqa: PLC0415
    from services.operations.resend import NotNoticedError  # noqa: PLC0415
    from services.scenarios.simulation import CoreFailedError  # noqa: PLC0415
    from services.scenarios.yaml_files import FileError  # noqa: PLC0415
    from shared.embedded import BackingServiceError  # noqa: PLC0415
    from shared.embedded.addresses import NothingRunningError  # noqa: PLC0415
    from shared.kafka.sender import NotSentError  # noqa: PLC0415
    from shared.postgresql.migrations import MigrationError  # noqa: PLC0415
    from shared.settings import SettingsError  # noqa: PLC0415

    return (
        *(CoreFailedError, BackingServiceError, FileError, MigrationError, NotQuiescentError, NotSentError, NothingRunningError),
        *(NoContractError, NoSuchLineError, NotNoticedError, SchemaMissingError, SettingsError),
    )


def _of_a_backing_service(error: Exception) -> str | None:
    import asyncpg  # noqa: PLC0415
    from aiokafka.errors import KafkaError  # noqa: PLC0415

    if isinstance(error, KafkaError):
        return f"the broker: {error}. Is KAFKA_BOOTSTRAP_SERVERS right, and does it answer?"
    if isinstance(
        error, asyncpg.PostgresConnectionError | asyncpg.InvalidAuthorizationSpecificationError | asyncpg.InvalidCatalogNameError
    ):
        return f"the database: {error}. Is DATABASE_URL right?"
    if isinstance(error, asyncpg.UndefinedTableError | asyncpg.UndefinedColumnError):
        return f"the database: {error}. The schemas are of another version: `intercompany migrate` brings them to this one's"
    if isinstance(error, asyncpg.PostgresError | asyncpg.InterfaceError):
        return f"the database: {error}"
    if isinstance(error, OSError):
        of_a_file = error.filename is not None
        advice = "Are KAFKA_BOOTSTRAP_SERVERS and DATABASE_URL right, and do both answer?"
        return f"{error.filename}: {error.strerror}" if of_a_file else f"{error}. {advice}"
    return None
