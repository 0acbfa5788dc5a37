"""Rights at the broker: the services need what their wiring says, and the document says the same."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from services.operations.broker_rights import Access, accesses, acls
from services.registry import SERVICES
from services.scenarios import simulation
from services.scenarios.scenario_file import load_scenario
from shared.events.contract import INBOUND_TOPICS
from shared.events.envelope import Topic
from shared.events.reference import SenderDefined
from shared.settings import Settings
from tests.scenario_files import FILES
from tests.unit.deploy.files import DEPLOY

if TYPE_CHECKING:
    from shared.delivery.service import AnyService

ENFORCED = accesses([SenderDefined("erp-eu", ["FAB"], ["/erp/eu/"], ["invoices", "payments", "requests"])])
"""The rights with SENDERS=enforced and one sender."""


def test_no_service_publishes_what_its_wiring_does_not_say(monkeypatch: pytest.MonkeyPatch) -> None:
    said: dict[str, set[str]] = {service.name: set() for service in SERVICES}
    monkeypatch.setattr(simulation, "SERVICES", tuple(_listened_to(service, said[service.name]) for service in SERVICES))
    for path in FILES:
        simulation.simulate(load_scenario(path))
    for service in SERVICES:
        assert said[service.name] <= service.publishes
        assert said[service.name]


def _listened_to(service: AnyService, said: set[str]) -> AnyService:
    def fold(books: Any, message: Any) -> Any:
        outgoing = service.fold(books, message)
        said.update(each.topic for each in outgoing)
        return outgoing

    return replace(service, fold=fold)


def test_only_one_service_writes_each_topic_that_says_what_was_decided() -> None:
    written = [topic for service in SERVICES for topic in service.publishes if not topic.endswith("rejections")]
    assert len(written) == len(set(written))


def test_a_namespace_goes_before_topics_and_groups() -> None:
    payment = next(access for access in accesses() if access.principal == "intercompany-payment")
    words = [word for options in acls(payment, Settings(namespace="eu")) for word in options]
    named = [words[place + 1] for place, word in enumerate(words) if word in {"--topic", "--group"}]
    assert "eu.intercompany.payments" in named
    assert "eu.payment.reference" in named
    assert all(name.startswith("eu.") for name in named)


def test_with_senders_enforced_a_sender_writes_its_own_topics_and_nothing_else() -> None:
    (sender,) = [access for access in ENFORCED if access.principal == "intercompany-sender-erp-eu"]
    assert sender.writes == {f"intercompany.{kind}.erp-eu" for kind in ("invoices", "payments", "requests")}
    assert sender.prefix == "sender.erp-eu."
    written = [words for words in acls(sender, Settings()) if "Write" in words]
    assert [words.count("--topic") for words in written] == [3]
    assert all("prefixed" not in words for words in written), "erp-eu2 begins so too"


def test_with_senders_enforced_nobody_but_operators_the_api_and_settlement_writes_the_reference_topic_and_nobody_the_shared_ones() -> None:
    writers = {topic: {access.principal for access in ENFORCED if topic in access.writes} for topic in INBOUND_TOPICS}
    assert writers.pop(Topic.REFERENCE) == {"intercompany-settlement", "intercompany-operator", "intercompany-web"}
    assert set(map(frozenset, writers.values())) == {frozenset()}


def test_with_senders_enforced_a_service_reads_all_senders_topics_by_their_prefix() -> None:
    (payment,) = [access for access in ENFORCED if access.principal == "intercompany-payment"]
    words = next(words for words in acls(payment, Settings(namespace="eu")) if "prefixed" in words)
    assert [words[place + 1] for place, word in enumerate(words) if word == "--topic"] == ["eu.intercompany.payments."]
    assert Topic.PAYMENTS not in payment.reads


def test_a_sender_has_no_name_that_makes_it_a_services_principal() -> None:
    names = ("settlement", "operator", "provision")
    principals = [access.principal for access in accesses([SenderDefined(name, ["*"], ["s"], ["invoices"]) for name in names])]
    assert len(set(principals)) == len(principals)


@pytest.mark.parametrize("access", [*accesses(), *ENFORCED], ids=lambda access: access.principal)
def test_the_document_says_what_each_principal_may_do(access: Access) -> None:
    assert _row(access) in (DEPLOY / "managed.md").read_text(encoding="utf-8").splitlines()


def _row(access: Access) -> str:
    """A principal's row of the table in deploy/managed.md."""
    topics = [", ".join(map(_short, sorted(each))) for each in (access.reads, access.writes)]
    groups = [f"`{name}`" for name in (*access.groups, *([f"{access.prefix}*"] if access.prefix else []))]
    makes = "all topics" if access.makes else ""
    return f"| `{access.principal}` | {' | '.join([*topics, makes, ', '.join(groups)])} |"


def _short(topic: str) -> str:
    return f"`{topic.removeprefix('intercompany.')}{'*' if topic.endswith('.') else ''}`"


if __name__ == "__main__":
    print("\n".join(map(_row, [*accesses(), *ENFORCED])))  # noqa: T201 - the table's rows, to be put into the document
