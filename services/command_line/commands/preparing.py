"""`migrate`, `provision` and `acls`: what the services need before they start where they may not make it themselves.

What always holds: each can be run again at any time and then changes nothing; a part that does not answer yet is waited for.
"""

from __future__ import annotations

import asyncio
import shlex
from collections.abc import Awaitable, Callable
from typing import Annotated, Final

import asyncpg
import typer
from aiokafka.errors import KafkaError
from rich.table import Table
from tenacity import AsyncRetrying, retry_if_exception_type, stop_after_delay, wait_exponential_jitter

from services.local.backing_services import product_settings
from services.operations.broker_rights import accesses
from services.operations.broker_rights import acls as acls_of
from services.registry import SERVICES
from shared.console import notes, output
from shared.kafka import topics
from shared.kafka.security import client_arguments
from shared.postgresql.database import Postgres
from shared.postgresql.migrations import migrate
from shared.postgresql.rights import grant
from shared.settings import Settings, load_settings

Within = Annotated[float, typer.Option(min=0, help="Seconds for which a part that does not answer is tried again.")]
AsTable = Annotated[bool, typer.Option("--table", help="A table for people instead.")]

_NOT_YET: Final = (OSError, TimeoutError, KafkaError, asyncpg.CannotConnectNowError, asyncpg.InvalidCatalogNameError)


def migrate_command(*, within: Within = 60) -> None:
    """Brings the three schemas to this program's version and gives the roles their rights, as the role of DATABASE_URL.

    That role owns the schemas (deploy/postgres/roles.sql makes it and the others). With PROVISION=false the services
    wait for this; otherwise they do it themselves at their start.

    Example: DATABASE_URL=postgresql://intercompany_owner:…@host/intercompany intercompany migrate
    """
    settings = product_settings()
    missing = asyncio.run(_patiently(lambda: _migrate_all(settings), within))
    notes().print(f"The schemas {', '.join(settings.schema_name(each.name) for each in SERVICES)} are at this program's version.")
    if missing:
        notes().print(f"No rights were given to {', '.join(missing)}: no such role.")


async def _migrate_all(settings: Settings) -> list[str]:
    missing: set[str] = set()
    for service in SERVICES:
        database = Postgres(settings.database, settings.schema_name(service.name))
        try:
            await migrate(database, database.schema, service)
            async with database.transaction() as connection:
                missing.update(await grant(connection, settings, service))
        finally:
            await database.close()
    return sorted(missing)


def provision_command(*, within: Within = 60) -> None:
    """Makes the topics that are not there yet, with the partitions, replication and retention of TOPICS_FILE.

    Those that are there stay as they are. With PROVISION=false the services wait for this; otherwise they do it
    themselves at their start.

    Example: TOPICS_FILE=deploy/topics/production.yaml intercompany provision
    """
    given = load_settings()
    settings = given if given.kafka_bootstrap_servers else product_settings(broker=True)
    made = asyncio.run(_patiently(lambda: topics.provision(settings, client_arguments(settings)), within))
    notes().print(f"Made {', '.join(made)}." if made else "All topics are there already.")


async def _patiently(act: Callable[[], Awaitable[list[str]]], within: float) -> list[str]:
    async def attempt() -> list[str]:
        return await act()

    retry, wait = retry_if_exception_type(_NOT_YET), wait_exponential_jitter(initial=0.1, max=2)
    result: list[str] = await AsyncRetrying(retry=retry, wait=wait, stop=stop_after_delay(within), reraise=True)(attempt)
    return result


def acls_command(*, as_table: AsTable = False) -> None:
    """Prints what each program may do at the broker, as options of Apache Kafka's kafka-acls.sh, one call a line.

    Principals are `User:intercompany-<service>`; NAMESPACE goes before topics and groups.

    Example: intercompany acls | xargs -L1 kafka-acls.sh --bootstrap-server kafka:9092 --command-config admin.properties
    """
    settings = load_settings()
    if not as_table:
        for access in accesses():
            for options in acls_of(access, settings):
                output().print(shlex.join(options), markup=False, soft_wrap=True)
        return
    table = Table("Principal", "Reads", "Writes", "Makes", "Groups", show_edge=False, show_lines=True)
    for access in accesses():
        columns = (access.reads, access.writes, access.makes)
        named = ("\n".join(settings.topic_name(topic) for topic in sorted(each)) for each in columns)
        groups = [*access.groups, *([f"{access.prefix}*"] if access.prefix else [])]
        table.add_row(access.principal, *named, "\n".join(map(settings.group_name, groups)))
    output().print(table)
