"""Tokens for the broker: kept for most of their life, read anew from a file, and what goes wrong is said without a secret."""

from __future__ import annotations

import json
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread

import pytest

from shared.kafka.tokens import TokenEndpoint, TokenFile


class _Endpoint(HTTPServer):
    """Gives tokens `t1`, `t2` and so on, or what `says` holds."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Answer)
        self.asked: list[bytes] = []
        self.lives = 3600
        self.status = 200
        self.says: bytes | None = None
        self.moved_to = ""

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/token"


class _Answer(BaseHTTPRequestHandler):
    server: _Endpoint

    def do_POST(self) -> None:
        self.server.asked.append(self.rfile.read(int(self.headers["Content-Length"])))
        self.send_response(self.server.status)
        if self.server.moved_to:
            self.send_header("Location", self.server.moved_to)
        self.end_headers()
        token = {"access_token": f"t{len(self.server.asked)}", "expires_in": self.server.lives}
        self.wfile.write(json.dumps(token).encode() if self.server.says is None else self.server.says)

    def log_message(self, *_: object) -> None:
        """Says nothing."""


@pytest.fixture
def endpoint() -> Iterator[_Endpoint]:
    with _Endpoint() as server:
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


async def test_a_token_is_asked_for_once_as_long_as_it_lives(endpoint: _Endpoint) -> None:
    provider = TokenEndpoint(endpoint.url, "client", "secret", "kafka")
    assert [await provider.token() for _ in range(3)] == ["t1"] * 3
    assert endpoint.asked == [b"grant_type=client_credentials&scope=kafka"]


async def test_a_token_that_has_ended_is_asked_for_anew(endpoint: _Endpoint) -> None:
    endpoint.lives = 0
    provider = TokenEndpoint(endpoint.url, "client", "secret", None)
    assert [await provider.token() for _ in range(2)] == ["t1", "t2"]


@pytest.mark.parametrize(("status", "says"), [(401, b"{}"), (200, b"<html>"), (200, b"[]"), (200, b'{"error": "no"}')])
async def test_an_endpoint_that_gives_no_token_is_an_error_that_passes_and_holds_no_secret(
    status: int, says: bytes, endpoint: _Endpoint
) -> None:
    endpoint.status, endpoint.says = status, says
    provider = TokenEndpoint(endpoint.url, "client", "hunter2", None)
    with pytest.raises(OSError, match=r".+") as caught:
        await provider.token()
    assert "hunter2" not in str(caught.value)
    endpoint.status, endpoint.says = 200, None
    assert await provider.token() == "t2"


async def test_a_token_file_is_read_for_every_connection(tmp_path: Path) -> None:
    file = tmp_path / "token"
    provider = TokenFile(file)
    for text in ("one", "two"):
        file.write_text(f"{text}\n")
        assert await provider.token() == text


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_a_redirect_is_not_followed_with_the_clients_secret(endpoint: _Endpoint, status: int) -> None:
    endpoint.status, endpoint.moved_to = status, endpoint.url
    with pytest.raises(OSError, match=f"answered {status}"):
        await TokenEndpoint(endpoint.url, "client", "secret", None).token()
    assert len(endpoint.asked) == 1
