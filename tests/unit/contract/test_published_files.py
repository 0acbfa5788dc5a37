"""The files of the contract are what the program says, and what was promised still holds."""

from __future__ import annotations

import json
import subprocess
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from services.command_line.main import app
from services.contract.asyncapi import asyncapi
from services.contract.checking import against
from services.contract.examples import examples
from services.contract.files import VERSION, files, outdated, write
from services.contract.places import FOLDER, promises
from services.contract.prose import prose
from shared.events.contract import CONTRACT, full_type
from shared.events.envelope import Topic
from shared.events.schemas import INTERNAL
from shared.events.value_schemas import OPEN_BY_NAME
from tests.scenario_files import ROOT

CONTRACT_FOLDER = ROOT / FOLDER
PUBLISHED = promises(CONTRACT_FOLDER)


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(app, ["contract", *map(str, arguments)])


def test_the_committed_files_are_what_the_program_writes(tmp_path: Path) -> None:
    assert write(tmp_path) == len(files())
    for path in files():
        assert (CONTRACT_FOLDER / path).read_bytes() == (tmp_path / path).read_bytes(), f"intercompany contract write: {path}"
    assert outdated(CONTRACT_FOLDER) == []


def test_writing_again_removes_what_is_no_longer_of_the_contract_and_nothing_else(tmp_path: Path) -> None:
    write(tmp_path)
    stray, promised = tmp_path / "schemas/gone.json", tmp_path / "published/1.0.0/schemas/gone.json"
    promised.parent.mkdir(parents=True)
    for path in (stray, promised):
        path.write_text("{}")
    assert outdated(tmp_path) == ["schemas/gone.json: the contract has no such file"]
    write(tmp_path)
    assert (stray.exists(), promised.exists()) == (False, True)


@pytest.mark.parametrize("folder", PUBLISHED, ids=lambda path: path.name)
def test_every_published_version_is_only_added_to(folder: Path) -> None:
    assert against(str(folder)) == []


def test_this_version_was_published() -> None:
    assert PUBLISHED[-1].name == VERSION


def test_every_event_has_two_examples_and_its_words() -> None:
    count = Counter(each.name for each in examples())
    assert {name: count[name] for name in CONTRACT if count[name] < 2} == {}
    assert prose().keys() == CONTRACT.keys()
    assert {code for words in prose().values() for code in words.codes} <= set(OPEN_BY_NAME["code"])


def test_the_asyncapi_document_knows_every_topic_and_event_and_all_it_refers_to() -> None:
    document = asyncapi("1.2.3")
    assert (document["asyncapi"], document["info"]["version"]) == ("3.1.0", "1.2.3")
    assert {channel["address"] for channel in document["channels"].values()} == {entry.topic for entry in CONTRACT.values()}
    internal = {channel["address"] for channel in document["channels"].values() if channel["x-audience"] == "internal"}
    assert internal == INTERNAL
    assert document["operations"]["payments"]["action"] == "receive"
    assert document["operations"]["vouchers"]["action"] == "send"
    assert set(document["components"]["messages"]) == set(CONTRACT)
    assert all(_found(document, reference) for reference in _references(document))
    assert "customer-payment.posted" in document["channels"][Topic.PAYMENTS.rpartition(".")[2]]["messages"]


def test_the_asyncapi_document_names_sizes_and_compression() -> None:
    about = asyncapi("1.0.0")["info"]["description"]
    assert "LZ4" in about
    assert "at most 1 MiB and 100 headers, one that goes out at most 8 MiB" in about


def _references(part: Any) -> list[str]:
    if isinstance(part, dict):
        own = [part["$ref"]] if isinstance(part.get("$ref"), str) else []
        return own + [each for value in part.values() for each in _references(value)]
    return [each for value in part for each in _references(value)] if isinstance(part, list) else []


def _found(document: Any, reference: str) -> bool:
    for step in reference.removeprefix("#/").split("/"):
        document = document[step]
    return bool(document)


# The commands


def test_check_passes_for_a_checkout_and_for_a_published_version() -> None:
    whole, version = run("check", "--to", CONTRACT_FOLDER), run("check", "--against", PUBLISHED[0])
    assert (whole.exit_code, version.exit_code) == (0, 0), whole.output + version.output
    assert PUBLISHED[0].name in whole.output


def test_check_says_what_breaks_and_which_files_are_old(tmp_path: Path) -> None:
    name = full_type("voucher.posted")
    schema = json.loads((CONTRACT_FOLDER / f"schemas/{name}.json").read_text())
    schema["properties"]["era"] = {"type": "string"}
    (tmp_path / "schemas").mkdir()
    (tmp_path / f"schemas/{name}.json").write_text(json.dumps(schema))
    broken, old = run("check", "--against", tmp_path), run("check", "--to", tmp_path)
    assert (broken.exit_code, broken.output) == (1, f"{name}/era: the field is gone\n")
    assert old.exit_code == 1
    assert f"schemas/{name}.json: is not what the program says" in old.output


def test_check_compares_with_a_revision_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path / FOLDER)
    schema = tmp_path / FOLDER / f"schemas/{full_type('voucher.posted')}.json"
    schema.write_text(schema.read_text().replace('"series"', '"era"'))
    identity = ("-c", "user.name=test", "-c", "user.email=test@example.org")
    for arguments in (("init", "--quiet"), ("add", "."), (*identity, "commit", "--quiet", "--message", "A version")):
        subprocess.run(["git", *arguments], cwd=tmp_path, check=True)  # noqa: S603, S607 - our own commands
    monkeypatch.chdir(tmp_path)
    came = run("check", "--against", "HEAD")
    assert (came.exit_code, came.output) == (1, "intercompany.voucher.posted.v1/era: the field is gone\n")


@pytest.mark.parametrize("where", ["nowhere-at-all", "--help-me"])
def test_check_says_where_it_found_no_contract(where: str) -> None:
    came = run("check", f"--against={where}")
    assert came.exit_code == 1
    assert where in came.output + came.stderr


def test_validate_says_what_is_wrong_with_an_event(tmp_path: Path) -> None:
    event = {**examples()[-1].event, "type": "intercompany.customer-payment.posted.v1", "source": "/erp"}
    payment = next(each.event for each in examples() if each.name == "customer-payment.posted")
    path = tmp_path / "event.json"
    path.write_text(json.dumps([payment, event, 7]))
    came = run("validate", path)
    assert came.exit_code == 1
    lines = came.output.splitlines()
    assert lines[0].endswith("an event of the contract, for intercompany.payments")
    assert "invalid at " in came.output
    assert "malformed" in came.output
    path.write_text("{")
    assert "malformed: the file is not JSON" in run("validate", path).output
    assert f"{event['type']} {event['id']}: invalid at " in came.output
    path.write_text(json.dumps(payment))
    assert run("validate", path).exit_code == 0


def test_validate_takes_several_files_and_says_which_is_wrong(tmp_path: Path) -> None:
    good, empty = tmp_path / "good.json", tmp_path / "empty.json"
    good.write_text(json.dumps(examples()[0].event))
    empty.write_text("[]")
    came = run("validate", good, empty)
    assert came.exit_code == 1
    assert "empty.json: the list is empty" in came.output
    missing = run("validate", tmp_path / "missing.json")
    assert missing.exit_code == 1
    assert "missing.json: cannot be read: No such file" in missing.stderr
