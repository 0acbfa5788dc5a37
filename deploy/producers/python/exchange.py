"""Sends a file of events, prints where each went, then prints the vouchers that come back, one JSON object a line.

python exchange.py FILE [VOUCHERS]    VOUCHERS: how many to wait for; without it nothing is read
"""
# ruff: noqa: D103, T201 - a program to copy from, not a module of the project

import asyncio
import json
import os
import ssl
import sys
from pathlib import Path

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer

GIVEN = os.environ.get
PREFIX = f"{GIVEN('NAMESPACE')}." if GIVEN("NAMESPACE") else ""
WITHIN = 60  # seconds, for all vouchers


def connection() -> dict:
    protocol = GIVEN("KAFKA_SECURITY_PROTOCOL", "PLAINTEXT")
    settings = {"bootstrap_servers": os.environ["KAFKA_BOOTSTRAP_SERVERS"], "security_protocol": protocol}
    if protocol.endswith("SSL"):
        settings["ssl_context"] = ssl.create_default_context(cafile=GIVEN("KAFKA_SECURITY_CA_FILE"))
    if protocol.startswith("SASL"):
        settings["sasl_mechanism"] = GIVEN("KAFKA_SECURITY_MECHANISM", "PLAIN")
        settings["sasl_plain_username"] = GIVEN("KAFKA_SECURITY_USERNAME")
        settings["sasl_plain_password"] = GIVEN("KAFKA_SECURITY_PASSWORD")
    return settings


async def send(entries: list[dict]) -> None:
    """CloudEvents in the binary form: the attributes are headers, the data is the value."""
    async with AIOKafkaProducer(**connection(), enable_idempotence=GIVEN("IDEMPOTENT_PRODUCER") != "false") as producer:
        for entry in entries:
            event = entry["event"]
            attributes = {f"ce_{name}": value for name, value in event.items() if name not in {"data", "datacontenttype"}}
            headers = [(name, value.encode()) for name, value in {"content-type": event["datacontenttype"], **attributes}.items()]
            data = json.dumps(event["data"], ensure_ascii=False).encode()
            at = await producer.send_and_wait(PREFIX + entry["topic"], data, entry["key"].encode(), headers=headers)
            print(f"{at.topic} [{at.partition}] offset {at.offset}: {event['id']}", file=sys.stderr)


async def receive(companies: set[str], wanted: int) -> None:
    """The first vouchers of the companies; a voucher's key is its company."""
    options = {**connection(), "auto_offset_reset": "earliest"}
    async with AIOKafkaConsumer(f"{PREFIX}intercompany.vouchers", **options) as consumer, asyncio.timeout(WITHIN):
        while wanted > 0:
            record = await consumer.getone()
            if dict(record.headers)["ce_type"] == b"intercompany.voucher.posted.v1" and record.key.decode() in companies:
                print(record.value.decode(), flush=True)
                wanted -= 1


if __name__ == "__main__":
    ENTRIES = [json.loads(line) for line in Path(sys.argv[1]).read_text(encoding="utf-8").splitlines()]
    asyncio.run(send(ENTRIES))
    asyncio.run(receive({entry["event"]["data"].get("company") for entry in ENTRIES}, int("".join(sys.argv[2:]) or 0)))
