"""Rights at the broker: the services need what their wiring says, and the document says the same."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from services.operations.broker_rights import Access, accesses, acls
from services.registry import SERVICES
from services.scenarios import simulation
from services.scenarios.scenario_file import load_scenario
from shared.settings import Settings
from tests.scenario_files import FILES
from tests.unit.deploy.files import DEPLOY

if TYPE_CHECKING:
    from shared.delivery.service import AnyService


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


@pytest.mark.parametrize("access", accesses(), ids=lambda access: access.principal)
def test_the_document_says_what_each_principal_may_do(access: Access) -> None:
    assert _row(access) in (DEPLOY / "managed.md").read_text(encoding="utf-8").splitlines()


def _row(access: Access) -> str:
    """A principal's row of the table in deploy/managed.md."""
    topics = [", ".join(f"`{name.removeprefix('intercompany.')}`" for name in sorted(each)) for each in (access.reads, access.writes)]
    groups = [f"`{name}`" for name in (*access.groups, *([f"{access.prefix}*"] if access.prefix else []))]
    makes = "all topics" if access.makes else ""
    return f"| `{access.principal}` | {' | '.join([*topics, makes, ', '.join(groups)])} |"


if __name__ == "__main__":
    print("\n".join(map(_row, accesses())))  # noqa: T201 - the table's rows, to be put into the document
