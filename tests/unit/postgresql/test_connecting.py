"""An address with several hosts: one that says nothing does not keep the others from being asked."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import asyncpg
import pytest

from shared.postgresql import connecting
from shared.postgresql.connecting import connected, each_host
from shared.runtime.system import is_transient


def _message(kind: bytes, content: bytes) -> bytes:
    return kind + (4 + len(content)).to_bytes(4) + content


_REFUSAL = _message(b"E", b"SFATAL\x00VFATAL\x00C28P01\x00Mnot with this password\x00\x00")
_STANDBY = b"".join(
    (
        _message(b"R", bytes(4)),
        *(_message(b"S", setting + b"\x00") for setting in (b"server_version\x0017.0", b"in_hot_standby\x00on")),
        _message(b"Z", b"I"),
    )
)


@asynccontextmanager
async def _server(answer: bytes | None) -> AsyncIterator[int]:
    """A server that takes connections, and answers each with this and ends it; None: it never says anything. Gives its port."""
    ended: list[asyncio.Event] = []

    async def taken(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        ended.append(end := asyncio.Event())
        if answer is not None:
            await reader.read(8)
            writer.write(answer)
        with suppress(ConnectionError):
            await reader.read()
        writer.close()
        end.set()

    async with await asyncio.start_server(taken, "127.0.0.1", 0) as server:
        yield server.sockets[0].getsockname()[1]
        for each in ended:
            await asyncio.wait_for(each.wait(), 5)


async def test_a_host_that_accepts_and_never_answers_does_not_keep_the_next_from_being_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connecting, "CONNECT_WITHIN", 0.6)
    async with _server(None) as silent, _server(_REFUSAL) as other:
        for hosts in (f"127.0.0.1:{silent},127.0.0.1:{other}", f"127.0.0.1:1,127.0.0.1:{silent},127.0.0.1:{other}"):
            with pytest.raises(asyncpg.InvalidPasswordError):
                await connected(f"postgresql://a:b@{hosts}/d?sslmode=disable")


async def test_all_hosts_together_have_the_time_of_one(monkeypatch: pytest.MonkeyPatch) -> None:
    given: list[float] = []

    async def silent(_: str, **more: float) -> None:
        given.append(more["timeout"])
        raise TimeoutError

    monkeypatch.setattr(asyncpg, "connect", silent)
    with pytest.raises(TimeoutError):
        await connected("postgresql://a@one,two,three/d")
    assert len(given) == 3
    assert sum(given) == pytest.approx(connecting.CONNECT_WITHIN)


async def test_where_there_are_standbys_alone_the_error_is_one_that_passes() -> None:
    async with _server(_STANDBY) as one, _server(_STANDBY) as two:
        with pytest.raises(ConnectionError, match="target attribute") as raised:
            await connected(f"postgresql://a@127.0.0.1:{one},127.0.0.1:{two}/d?sslmode=disable&target_session_attrs=read-write")
    assert is_transient(raised.value)


async def test_a_standby_is_passed_over() -> None:
    async with _server(_STANDBY) as standby, _server(_REFUSAL) as other:
        with pytest.raises(asyncpg.InvalidPasswordError):
            await connected(f"postgresql://a@127.0.0.1:{standby},127.0.0.1:{other}/d?sslmode=disable&target_session_attrs=read-write")


@pytest.mark.parametrize(
    ("address", "addresses"),
    [
        ("postgresql://u:p@one:1,two:2/d?x=y", ["postgresql://u:p@one:1/d?x=y", "postgresql://u:p@two:2/d?x=y"]),
        ("postgresql://one/d", ["postgresql://one/d"]),
        ("postgresql://u:a,b@one/d", ["postgresql://u:a,b@one/d"]),
        ("postgresql://u:@/d?host=/run/one", ["postgresql://u:@/d?host=/run/one"]),
        ("postgresql:///d?host=/run/one", ["postgresql:///d?host=/run/one"]),
    ],
)
def test_an_address_is_taken_apart_by_its_hosts(address: str, addresses: list[str]) -> None:
    assert each_host(address) == addresses
