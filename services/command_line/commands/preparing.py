"""`migrate`, `provision` and `acls`: what the services need before they start where they may not make it themselves."""

from __future__ import annotations

import asyncio
import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table

from services.command_line.commands.asking import ask
from services.desk.tables import MIGRATED
from services.operations.broker_rights import accesses
from services.operations.broker_rights import acls as acls_of
from services.operations.preparation import migrate_all, provision_topics
from services.operations.senders import senders_in_force, senders_of_file
from shared.console import notes, output
from shared.embedded.addresses import product_settings
from shared.settings import load_settings

if TYPE_CHECKING:
    from shared.events.reference import SenderDefined
    from shared.settings import Settings

Group = Annotated[Path | None, typer.Option(help="A group file whose senders count; without it those in force do.", show_default=False)]
Within = Annotated[float, typer.Option(min=0, help="How many seconds to keep trying while the backing service does not answer.")]
AsTable = Annotated[bool, typer.Option("--table", help="Prints a table for people instead.")]


def migrate_command(*, within: Within = 60) -> None:
    """Brings the services' schemas to this program's version and gives the roles their rights, as the role of DATABASE_URL.

    That role owns the schemas (deploy/postgres/roles.sql makes it and the others). With PROVISION=false the services
    wait for this; otherwise each does it when it starts.

    Example: DATABASE_URL=postgresql://intercompany_owner:…@host/intercompany intercompany migrate
    """
    settings = product_settings()
    missing = asyncio.run(migrate_all(settings, within))
    notes().print(f"The schemas {', '.join(settings.schema_name(each.name) for each in MIGRATED)} are at this program's version.")
    if missing:
        notes().print(f"No rights were given to {', '.join(missing)}: there is no such role.")


def provision_command(group: Group = None, *, within: Within = 60) -> None:
    """Creates the topics that do not exist yet, with the partitions, replication and retention of TOPICS_FILE.

    With SENDERS=enforced also each sender's own topics.
    Existing topics stay as they are. With PROVISION=false the services wait for this; otherwise each does it
    when it starts.

    Example: TOPICS_FILE=deploy/topics/production.yaml intercompany provision
    """
    given = load_settings()
    settings = given if given.kafka_bootstrap_servers else product_settings(broker=True)
    made = asyncio.run(provision_topics(settings, within, _senders(settings, group) or ()))
    notes().print(f"Created {', '.join(made)}." if made else "All topics exist already.")


def _senders(settings: Settings, group: Path | None) -> list[SenderDefined] | None:
    """The senders that have topics and rights of their own; None: SENDERS=open, none has."""
    if not settings.enforces_senders:
        return None
    return ask(senders_in_force) if group is None else senders_of_file(group)


def acls_command(group: Group = None, *, as_table: AsTable = False) -> None:
    """Prints what each program may do at the broker, as options of Apache Kafka's kafka-acls.sh, one call a line.

    Principals are `User:intercompany-<service>`, with SENDERS=enforced also `User:intercompany-sender-<sender>`; NAMESPACE
    goes before topics and groups.

    Example: intercompany acls | xargs -L1 kafka-acls.sh --bootstrap-server kafka:9092 --command-config admin.properties
    """
    settings = load_settings()
    principals = accesses(_senders(settings, group))
    if not as_table:
        for access in principals:
            for options in acls_of(access, settings):
                output().print(shlex.join(options), markup=False, soft_wrap=True)
        return
    table = Table("Principal", "Reads", "Writes", "Creates", "Groups", show_edge=False, show_lines=True)
    for access in principals:
        columns = (access.reads, access.writes, access.makes)
        named = ("\n".join(_shown(settings.topic_name(topic)) for topic in sorted(each)) for each in columns)
        groups = [*access.groups, *([f"{access.prefix}*"] if access.prefix else [])]
        table.add_row(access.principal, *named, "\n".join(map(settings.group_name, groups)))
    output().print(table)


def _shown(topic: str) -> str:
    return f"{topic}*" if topic.endswith(".") else topic
