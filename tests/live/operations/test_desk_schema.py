"""The schema of what people did, on a real database: made once, and by grants only ever added to."""

from __future__ import annotations

from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import asyncpg
import pytest
from pydantic import SecretStr

from services.desk.refusal_states import RefusalState, refusal_states
from services.desk.schemas import open_schemas
from services.desk.tables import DESK
from shared.postgresql.migrations import MigrationError
from shared.postgresql.rights import grant
from shared.settings import Settings

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

pytestmark = pytest.mark.embedded

_AT = datetime(2026, 3, 12, tzinfo=UTC)
_ACTION = """
insert into actions (id, at, actor, roles, request_id, verb, target, reason, plan, state)
values ($1, $2, 'ann', '{operator}', 'r', 'dismiss', '{}', 'not ours', '{}', 'begun')
"""


def _settings(database_url: str, namespace: str, **more: Any) -> Settings:
    return Settings(database_url=SecretStr(database_url), namespace=namespace, **more)


@asynccontextmanager
async def _empty(settings: Settings) -> AsyncIterator[asyncpg.Connection[asyncpg.Record]]:
    """A connection to the database, which has no desk of this namespace."""
    connection = await asyncpg.connect(settings.database)
    try:
        await connection.execute(f"drop schema if exists {settings.schema_name(DESK.name)} cascade")
        yield connection
    finally:
        await connection.close()


async def test_the_state_of_a_refusal_is_what_was_noted_last_and_open_where_nothing_was(database_url: str) -> None:
    settings = _settings(database_url, "refusalstates")
    one, other, none = (str(uuid4()) for _ in range(3))
    async with _empty(settings), open_schemas(settings) as schemas, schemas.desk() as connection:
        actions = [str(uuid4()), str(uuid4())]
        for action in actions:
            await connection.execute(_ACTION, action, _AT)
        note = "insert into refusal_states (refusal, action, at, state) values ($1, $2, $3, $4)"
        await connection.execute(note, one, actions[0], _AT, "dismissed")
        await connection.execute(note, other, actions[0], _AT, "dismissed")
        await connection.execute(note, other, actions[1], _AT + timedelta(seconds=1), "resent")
        found = await refusal_states(connection, [one, other, none])
    assert found == {one: RefusalState.DISMISSED, other: RefusalState.RESENT, none: RefusalState.OPEN}


async def test_the_role_of_the_api_adds_rows_and_changes_nothing_but_the_state_of_an_action(database_url: str) -> None:
    settings = _settings(database_url, "deskrights")
    role, schema = settings.role_name("web"), settings.schema_name(DESK.name)
    async with _empty(settings) as connection, open_schemas(settings) as schemas:
        await connection.execute(f"drop role if exists {role}; create role {role}")
        async with schemas.desk():
            pass
        assert role not in await grant(connection, settings, DESK)
        action = str(uuid4())
        await connection.execute(f"set search_path to {schema}; set role {role}")
        await connection.execute(_ACTION, action, _AT)
        await connection.execute("update actions set state = 'done' where id = $1", action)
        for statement in (
            "update actions set reason = 'another'",
            "update actions set actor = 'bob'",
            "delete from actions",
            "update decisions set decision = 'approved'",
            "delete from refusal_states",
            "update outcomes set outcome = '{}'",
            "insert into migrations (name, digest) values ('a', 'b')",
            "create table mine (a int)",
        ):
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await connection.execute(statement)
        await connection.execute(f"reset role; drop schema {schema} cascade; drop role {role}")


async def test_where_it_may_not_be_made_what_to_do_is_said(database_url: str) -> None:
    settings = _settings(database_url, "nodesk", provision=False)
    async with _empty(settings), open_schemas(settings) as schemas:
        with pytest.raises(MigrationError, match="intercompany migrate"):
            async with schemas.desk():
                pass


async def test_it_is_made_once_and_kept(database_url: str) -> None:
    settings = _settings(database_url, "desktwice")
    async with _empty(settings), open_schemas(settings) as one, open_schemas(settings) as other:
        async with one.desk() as first:
            await first.execute(_ACTION, str(uuid4()), _AT)
        async with other.desk() as second:
            assert await second.fetchval("select count(*) from actions") == 1
