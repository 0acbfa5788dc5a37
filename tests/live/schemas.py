"""An empty schema of a service on the tests' database."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from types import ModuleType
from typing import Any

import asyncpg

from shared.postgresql.migrations import SHELL


@asynccontextmanager
async def empty_schema(database_url: str, schema: str, store: ModuleType) -> AsyncIterator[Any]:
    """A connection whose search_path is a schema with the empty tables of the shell and of the service whose store module is given."""
    connection = await asyncpg.connect(database_url, server_settings={"search_path": schema})
    try:
        await connection.execute(f"drop schema if exists {schema} cascade; create schema {schema}")
        own = Path(str(store.__file__)).parent / "migrations"
        for file in (*sorted(SHELL.glob("*.sql")), *sorted(own.glob("*.sql"))):
            await connection.execute(file.read_text(encoding="utf-8"))
        yield connection
    finally:
        await connection.close()
