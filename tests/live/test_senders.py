"""SENDERS=enforced on a real broker: only the senders' own topics are read, and on each what its sender may send."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import pytest

from services.desk.rejections import refused
from services.desk.schemas import Schemas, load_books, open_schemas
from services.local.backing_services import scenario_backing_services
from services.local.in_process import running_services
from services.operations.by_hand import replay
from services.operations.senders import senders_in_force
from shared.events.contract import CONTRACT, sender_topic
from shared.events.envelope import Record, Topic
from shared.events.reference import SenderDefined
from shared.kafka import subscription, topics
from shared.kafka.security import client_arguments
from shared.settings import Senders
from tests.builders.records import binary
from tests.live.delivery.running import until

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from services.local.in_process import RunningServices

pytestmark = pytest.mark.embedded

EU = SenderDefined("erp-eu", ["FAB"], ["erp"], ["invoices", "payments", "reference"])
US = SenderDefined("erp-us", ["FABE"], ["erp"], ["invoices", "payments", "requests"])
GROUP: list[tuple[str, dict[str, Any]]] = [
    ("company.defined", {"company": "FAB", "currency": "USD"}),
    ("party.defined", {"party": "NW", "customers": {"FAB": "4000"}}),
]
RATE = {"company": "FAB", "from": "GBP", "to": "USD", "date": "2026-01-01", "rate": "1.3"}


def _invoice(document: str, currency: str = "USD") -> dict[str, str]:
    return {"company": "FAB", "account": "4000", "document": document, "date": "2026-01-10", "currency": currency, "amount": "10.00"}


def _definition(sender: SenderDefined, id_: str) -> Record:
    data = {"sender": sender.sender, "companies": sender.companies, "sources": sender.sources, "may": sender.may}
    return binary("sender.defined", data, id_=id_, source="operator")


def _by(sender: str, name: str, data: dict[str, Any], id_: str) -> Record:
    return binary(name, data, id_=id_, topic=sender_topic(CONTRACT[name].topic, sender))


@asynccontextmanager
async def _enforced() -> AsyncIterator[tuple[RunningServices, Schemas]]:
    """The services with two senders defined, whose topics are there, and the shared topics of the open days too."""
    async with scenario_backing_services("senders") as settings:
        await topics.provision(settings, client_arguments(settings))
        enforced = settings.model_copy(update={"senders": Senders.ENFORCED})
        await topics.provision(enforced, client_arguments(enforced), [EU, US])
        async with running_services(enforced, inquiry=True) as services, open_schemas(enforced) as schemas:
            group = [binary(name, data, id_=f"G{number}", source="operator") for number, (name, data) in enumerate(GROUP)]
            await services.send([_definition(EU, "EU"), _definition(US, "US"), *group])
            await until(lambda: _senders_known(schemas, 2))
            yield services, schemas


async def _senders_known(schemas: Schemas, number: int) -> bool:
    return len((await load_books(schemas)).settlement.reference.senders) == number


async def _documents(schemas: Schemas) -> set[str]:
    """The documents that have a voucher."""
    return {voucher.document for voucher in (await load_books(schemas)).posting.vouchers}


def _posted(schemas: Schemas, *documents: str) -> Callable[[], Any]:
    async def so() -> bool:
        return await _documents(schemas) >= set(documents)

    return so


def _asked(schemas: Schemas, due: dict[str, str]) -> Callable[[], Any]:
    """Whether inquiry has these documents, with the due dates that their events say."""

    async def so() -> bool:
        async with schemas.of("inquiry") as connection:
            return {
                row["document"]: str(row["due_date"]) for row in await connection.fetch("select document, due_date from documents")
            } == due

    return so


def _refused(schemas: Schemas, number: int) -> Callable[[], Any]:
    async def so() -> bool:
        return len(await refused(schemas)) == number

    return so


async def test_what_comes_on_the_shared_topic_or_on_another_senders_posts_nothing() -> None:
    approval = {"company": "FAB", "journal": "J", "document": "J-FAB-P-1"}
    async with _enforced() as (services, schemas):
        await services.send([binary("customer-invoice.posted", _invoice("SHARED"), id_="SHARED")])
        await services.send([binary("customer-payment.posted", _invoice("SHARED-P"), id_="SHARED-P")])
        await services.send(
            [
                _by("erp-us", "customer-invoice.posted", _invoice("I1"), "I1"),
                _by("erp-us", "customer-payment.posted", _invoice("P1"), "P1"),
                _by("erp-us", "journal-approval.requested", approval, "A1"),
                _by("erp-us", "sender.defined", {"sender": "erp-us", "companies": "*", "sources": ["e"], "may": ["invoices"]}, "S1"),
            ]
        )
        await until(_refused(schemas, 3))
        assert {each.rejection.event: (each.rejection.code, each.rejection.field) for each in await refused(schemas)} == {
            "I1": ("not-authorised", "/company"),
            "P1": ("not-authorised", "/company"),
            "A1": ("not-authorised", "/company"),
        }
        await services.send(
            [
                _by("erp-eu", "customer-invoice.posted", _invoice("I1"), "I1"),
                _by("erp-eu", "customer-payment.posted", _invoice("P1"), "P1"),
            ]
        )
        await until(_posted(schemas, "I1", "P1"))
        assert await _documents(schemas) == {"I1", "P1"}
        await services.until_inquiry_has_read()
        await until(_asked(schemas, {"I1": "2026-01-10", "P1": "2026-01-10"}))
        for service in ("payment", "settlement", "inquiry"):
            async with schemas.of(service) as connection:
                read = {row["topic"] for row in await connection.fetch("select topic from positions")}
            assert read.isdisjoint({Topic.INVOICES, Topic.PAYMENTS, Topic.REQUESTS})


async def test_reference_data_of_a_sender_reaches_every_service_through_the_one_reference_topic() -> None:
    async with _enforced() as (services, schemas):
        await services.send([_by("erp-eu", "customer-invoice.posted", _invoice("I2", "GBP"), "I2")])
        await services.send([_by("erp-eu", "company.defined", {"company": "FABE", "currency": "USD"}, "C1")])
        await services.send([_by("erp-eu", "exchange-rate.published", RATE, "R1")])
        await until(_posted(schemas, "I2"))
        (refusal,) = await refused(schemas)
        assert (refusal.rejection.event, refusal.rejection.code) == ("C1", "not-authorised")
        assert set((await load_books(schemas)).posting.reference.companies) == {"FAB"}


async def test_a_sender_that_is_defined_while_all_run_is_heard_and_what_was_refused_of_it_is_sent_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(subscription, "_METADATA_AGE_MS", 500)
    late = SenderDefined("bank", ["FAB"], ["erp"], ["payments"])
    async with _enforced() as (services, schemas):
        await topics.provision(services.settings, client_arguments(services.settings), [late])
        await services.send([_by("bank", "customer-payment.posted", _invoice("P2"), "P2")])
        await until(_refused(schemas, 1))
        assert await _documents(schemas) == set()
        await services.send([_definition(late, "LATE")])
        await until(lambda: _senders_known(schemas, 3))
        assert {each.sender for each in await senders_in_force(schemas)} == {"bank", "erp-eu", "erp-us"}
        assert (await replay(schemas, ["P2"])).sent == 1
        await until(_posted(schemas, "P2"))
