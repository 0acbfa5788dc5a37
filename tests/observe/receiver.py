"""A receiver of traces in the test's own process: OTLP over HTTP, as a collector would take them."""

from __future__ import annotations

import gzip
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Lock, Thread
from typing import Any, NamedTuple

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest


class ReceivedSpan(NamedTuple):
    """A span: of which service, its trace, itself, its parent ('' for none), name, kind, attributes, and the spans it is linked to."""

    service: str
    trace: str
    id: str
    parent: str
    name: str
    kind: int
    attributes: dict[str, Any]
    links: frozenset[str]


class Receiver:
    """Takes what is sent to `address`, from when it is made until it is closed."""

    def __init__(self) -> None:
        self._spans: list[ReceivedSpan] = []
        self._lock = Lock()
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                """Takes some spans."""
                body = self.rfile.read(int(self.headers["content-length"]))
                receiver.take(gzip.decompress(body) if self.headers.get("content-encoding") == "gzip" else body)
                self.send_response(200)
                self.end_headers()

            def log_message(self, *_: object) -> None:
                """Says nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.address = f"http://127.0.0.1:{self._server.server_address[1]}"
        Thread(target=self._server.serve_forever, daemon=True).start()

    def take(self, body: bytes) -> None:
        """Keeps the spans of a request."""
        found = [
            _span(dict(_attributes(resource.resource.attributes))["service.name"], span)
            for resource in ExportTraceServiceRequest.FromString(body).resource_spans
            for scope in resource.scope_spans
            for span in scope.spans
        ]
        with self._lock:
            self._spans += found

    def all(self) -> list[ReceivedSpan]:
        """What has come."""
        with self._lock:
            return list(self._spans)

    def of_trace(self, trace: str) -> list[ReceivedSpan]:
        """What has come of a trace."""
        return [span for span in self.all() if span.trace == trace]

    def close(self) -> None:
        """Takes nothing more."""
        self._server.shutdown()
        self._server.server_close()


def _attributes(found: Any) -> Any:
    return ((each.key, getattr(each.value, each.value.WhichOneof("value"))) for each in found)


def _span(service: str, span: Any) -> ReceivedSpan:
    names = (span.trace_id.hex(), span.span_id.hex(), span.parent_span_id.hex())
    links = frozenset(link.span_id.hex() for link in span.links)
    return ReceivedSpan(service, *names, span.name, span.kind, dict(_attributes(span.attributes)), links)
