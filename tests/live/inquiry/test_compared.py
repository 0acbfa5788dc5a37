"""The regular comparison among several instances: one compares, and the others see that it does."""

from __future__ import annotations

import pytest

from services.inquiry.queries.compared import compares_alone
from shared.postgresql.database import Postgres

pytestmark = pytest.mark.embedded


async def test_one_instance_compares_until_its_session_ends(database_url: str) -> None:
    one, other, elsewhere = (Postgres(database_url, schema) for schema in ("public", "public", "pg_catalog"))
    async with other.session() as waiting, elsewhere.session() as unconcerned:
        async with one.session() as comparing:
            assert await compares_alone(comparing)
            assert not await compares_alone(waiting)
            assert await compares_alone(unconcerned)
        assert await compares_alone(waiting)
