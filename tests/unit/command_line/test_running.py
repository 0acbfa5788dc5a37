"""What `up` says of the clients of other systems: of the embedded broker what its documentation says, of any other nothing."""

from __future__ import annotations

import re
from typing import Final

import pytest

from services.command_line.commands.running import clients_served
from shared.embedded import BackingServices
from tests.scenario_files import ROOT

_ROW: Final = re.compile(r"^\| (?P<client>[^|]+) \| [^|]+ \| (?P<embedded>[^|]+) \|$", re.MULTILINE)


def _documented() -> dict[str, bool]:
    """The clients of the table in deploy/producers, and whether the embedded broker serves them."""
    text = (ROOT / "deploy" / "producers" / "README.md").read_text(encoding="utf-8").partition("## Which client")[2].partition("\n## ")[0]
    rows = [(row["client"], row["embedded"]) for row in _ROW.finditer(text)][2:]
    return {client.removeprefix("Java's ").split(",")[0]: says.startswith("works") for client, says in rows}


@pytest.mark.parametrize(("client", "serves"), _documented().items())
def test_up_says_of_a_client_what_the_table_says(client: str, serves: bool) -> None:  # noqa: FBT001 - a parameter of the test
    said = " ".join(clients_served(BackingServices("127.0.0.1:1", "postgresql://x", idempotent_producer=False)))
    served, _, refused = said.partition("but not")
    assert (client in served) is serves
    assert (client in refused) is not serves or client.startswith("Confluent")


def test_up_says_nothing_of_clients_on_a_broker_that_was_given() -> None:
    assert clients_served(BackingServices("kafka:9092", "postgresql://x", idempotent_producer=True)) == []
