"""The topics as data: the table, and what an environment's file may say of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from shared.events.envelope import Topic
from shared.kafka.topics import TOPICS, TopicSpec, topics_of
from shared.settings import Settings, SettingsError

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
