"""The HTTP server: a client that sends nothing, or half of a request, keeps no connection."""

from __future__ import annotations

import asyncio
import socket
from contextlib import suppress
from typing import Any

import uvicorn

from shared.runtime.http_server import QUIET, TimelyProtocol, serve_http

WHOLE = b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"


class Impatient(TimelyProtocol):
    within = 0.2


async def answering(scope: Any, receive: Any, send: Any) -> None:
    del scope, receive
    await asyncio.sleep(1)  # longer than a client may take: what is under way is not cut off
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]})
    await send({"type": "http.response.body", "body": b"ok"})


async def received(port: int, sent: bytes) -> bytes:
    """All that comes until the server closes the connection."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(sent)
    try:
        return await asyncio.wait_for(reader.read(), 5)
    finally:
        writer.close()


async def test_who_sends_no_whole_request_is_not_waited_for_and_who_waits_for_an_answer_gets_it() -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    config = uvicorn.Config(answering, "127.0.0.1", port, lifespan="off", http=Impatient, timeout_keep_alive=60, **QUIET)
    serving = asyncio.ensure_future(serve_http(config))
    try:
        for _ in range(50):
            await asyncio.sleep(0.1)
            with suppress(OSError):
                assert await received(port, b"") == b""
                break
        assert await received(port, WHOLE[:20]) == b""
        assert (await received(port, WHOLE)).endswith(b"ok")
        assert (await received(port, WHOLE + WHOLE[:20])).endswith(b"ok")
    finally:
        serving.cancel()
        with suppress(asyncio.CancelledError):
            await serving
