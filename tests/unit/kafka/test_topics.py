"""The topics as data: the table, and what an environment's file may say of it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from shared.events.envelope import Topic
from shared.events.reference import SenderDefined
from shared.kafka.subscription import pattern_of
from shared.kafka.topics import TOPICS, TopicSpec, topics_of
from shared.settings import Senders, Settings, SettingsError

_NAMES = {value for name, value in vars(Topic).items() if name.isupper()}


def _topics(tmp_path: Path, text: str) -> dict[str, TopicSpec]:
    file = tmp_path / "topics.yaml"
    file.write_text(text)
    return {spec.name: spec for spec in topics_of(Settings(topics_file=file))}


def test_every_topic_of_the_contract_is_in_the_table() -> None:
    assert {spec.name for spec in TOPICS} == _NAMES


def test_a_topics_own_entry_goes_before_the_default(tmp_path: Path) -> None:
    found = _topics(
        tmp_path,
        """
        default: {partitions: 24, replication_factor: 3, config: {min.insync.replicas: "2"}}
        intercompany.vouchers: {partitions: 48, retention: P400D, config: {compression.type: zstd}}
        """,
    )
    vouchers, invoices = found[Topic.VOUCHERS], found[Topic.INVOICES]
    assert (vouchers.partitions, vouchers.replication_factor) == (48, 3)
    assert vouchers.configuration()["retention.ms"] == str(400 * 24 * 3600 * 1000)
    assert vouchers.configuration()["min.insync.replicas"] == "2"
    assert vouchers.configuration()["compression.type"] == "zstd"
    assert (invoices.partitions, invoices.configuration()["retention.ms"]) == (24, "-1")


def test_the_reference_topic_has_one_partition_and_is_compacted_whatever_a_file_says(tmp_path: Path) -> None:
    text = "{default: {partitions: 24}, intercompany.reference: {partitions: 8, config: {cleanup.policy: delete, max.message.bytes: '1'}}}"
    reference = _topics(tmp_path, text)[Topic.REFERENCE]
    assert reference.partitions == 1
    assert reference.configuration()["cleanup.policy"] == "compact"
    assert int(reference.configuration()["max.message.bytes"]) > 1


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("intercompany.voucher: {partitions: 3}", "intercompany.voucher is not a topic"),
        ("default: {partitions: 0}", "default.partitions"),
        ("default: {retention: soon}", "default.retention"),
        ("default: {partition: 3}", "default.partition"),
        ("default: {", "TOPICS_FILE"),
    ],
)
def test_what_is_wrong_in_a_file_is_named(tmp_path: Path, text: str, named: str) -> None:
    with pytest.raises(SettingsError, match=named):
        _topics(tmp_path, text)


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"TOPICS_FILE: .*none\.yaml"):
        topics_of(Settings(topics_file=tmp_path / "none.yaml"))


EU = SenderDefined("erp-eu", ["FAB"], ["/erp/eu/"], ["payments", "reference"])


def test_with_senders_enforced_each_has_topics_of_its_own_and_of_the_shared_ones_the_reference_topic_alone_is_made() -> None:
    names = {spec.name for spec in topics_of(Settings(senders=Senders.ENFORCED), [EU])}
    own = {"intercompany.payments.erp-eu", "intercompany.reference.erp-eu"}
    assert names == (_NAMES - {Topic.INVOICES, Topic.PAYMENTS, Topic.REQUESTS}) | own


def test_a_senders_topic_is_made_as_the_shared_one_and_its_reference_data_kept_in_their_order(tmp_path: Path) -> None:
    file = tmp_path / "topics.yaml"
    file.write_text("{default: {partitions: 4, retention: P40D}, intercompany.payments: {partitions: 24}}")
    found = {spec.name: spec for spec in topics_of(Settings(senders=Senders.ENFORCED, topics_file=file), [EU])}
    assert found["intercompany.payments.erp-eu"].partitions == 24
    reference = found["intercompany.reference.erp-eu"]
    assert (reference.partitions, reference.cleanup) == (1, "delete")


def test_with_senders_open_nobody_has_topics_of_its_own() -> None:
    assert {spec.name for spec in topics_of(Settings(), [EU])} == _NAMES


@pytest.mark.parametrize(
    ("topic", "is_read"),
    [
        ("ns.intercompany.payments.erp-eu", True),
        ("ns.intercompany.settlements", True),
        ("ns.intercompany.payments", False),
        ("ns.intercompany.payments.erp.eu", False),
        ("ns.intercompany.invoices.erp-eu", False),
        ("ns.intercompany.payments.", False),
        ("intercompany.payments.erp-eu", False),
        ("other.ns.intercompany.payments.erp-eu", False),
        ("ns.intercompany.settlements.erp-eu", False),
        ("nsXintercompany.settlements", False),
    ],
)
def test_the_pattern_of_a_consumer_is_its_topics_and_the_senders_own(topic: str, is_read: bool) -> None:  # noqa: FBT001 - a column
    pattern = pattern_of(Settings(namespace="ns"), [Topic.SETTLEMENTS], [Topic.PAYMENTS])
    assert bool(re.match(pattern, topic)) == is_read
