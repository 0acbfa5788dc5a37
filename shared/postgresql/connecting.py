"""Connecting to a database whose address lists several hosts: to the one that can be used, whichever that is now.

Invariant: each host has its share of the time, so one whose machine is gone, and neither answers nor refuses, does not keep the others
from being asked. (asyncpg 0.32 asks them in their order within one time for all, and would wait for the first for ever again.)
"""

from __future__ import annotations

from typing import Any, Final
from urllib.parse import urlsplit

import asyncpg

CONNECT_WITHIN: Final = 10.0
"""Seconds for all hosts together."""


async def connected(dsn: str | None = None, **more: Any) -> Any:
    """A connection to the first host of the address that answers and is what `target_session_attrs` asks for.

    `more` as asyncpg.connect has it, but for `timeout`. If none can be used, the last host's error; ConnectionError if that is a standby
    and another is asked for, since it passes.
    """
    hosts = each_host(dsn or "")
    failure: Exception = ConnectionError("the database's address has no host")
    for host in hosts:
        try:
            return await asyncpg.connect(host, timeout=CONNECT_WITHIN / len(hosts), **more)
        except asyncpg.InternalClientError as error:
            failure = ConnectionError(str(error))
        except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
            failure = error
    raise failure


def each_host(dsn: str) -> list[str]:
    """The address once for each host that it lists; as it is where hosts are named by parameters."""
    parts = urlsplit(dsn)
    user, at, listed = parts.netloc.rpartition("@")
    hosts = listed.split(",")
    return [parts._replace(netloc=f"{user}{at}{host}").geturl() for host in hosts] if len(hosts) > 1 else [dsn]
