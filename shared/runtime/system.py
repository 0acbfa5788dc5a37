"""The machine's own clock and random numbers, and which errors of its drivers can pass by themselves.

Invariant: what may pass by itself (database or broker away, deadlock, serialization failure, full disk, missing rights) is
transient; what the data itself causes is not, since trying it again would block all that comes after it.
"""

from __future__ import annotations

from typing import Final

import asyncpg
from aiokafka.errors import KafkaError

from shared.delivery.ports import SystemClock, SystemRandomness
from shared.runtime.retry import Runtime
from shared.runtime.troubles import Troubles

_OF_THE_DATA: Final = ("22", "23", "54")
"""SQLSTATE classes of errors in the data: data exception, integrity constraint, program limit (a key too long)."""


def system_runtime() -> Runtime:
    """The machine's clock and random numbers."""
    clock = SystemClock()
    return Runtime(clock, SystemRandomness(), Troubles(clock), is_transient)


def is_transient(error: BaseException) -> bool:
    """Whether an error can pass by itself; False: the data, or a defect of ours, causes it."""
    if isinstance(error, asyncpg.PostgresError):
        return not (error.sqlstate or "").startswith(_OF_THE_DATA)
    if isinstance(error, asyncpg.InterfaceError):
        return not isinstance(error, ValueError)  # a value that the driver cannot put on the wire
    return isinstance(error, OSError | TimeoutError | EOFError | KafkaError)
