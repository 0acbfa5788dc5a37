"""What can be said of the files of deploy/ without any tool: settings that exist, no secrets, nothing as root."""

from __future__ import annotations

import re
from typing import Any

import pytest
import yaml

from services.registry import PROCESSES
from services.scenarios.scenario_file import EXAMPLES
from shared.events.envelope import Topic
from shared.kafka.topics import topics_of
from shared.settings import Settings
from tests.unit.deploy.files import (
    COMPOSE,
    DEPLOY,
    KUBERNETES,
    ROOT,
    SECRET,
    SETTINGS,
    containers,
    documents,
    literals,
    manifests,
    pod_specs,
)

_PASSWORD_IN_ADDRESS = re.compile(r"://[^/\s:${}]+:(?!\$\{)[^@\s]+@")
_OURS = ("roles", "migrate", "topics", "demo", "payment", "settlement", "posting", "inquiry", "web", "cli")


def _compose() -> dict[str, Any]:
    services: dict[str, Any] = yaml.safe_load(COMPOSE.read_text(encoding="utf-8"))["services"]
    return services


@pytest.mark.parametrize("file", manifests(), ids=lambda file: str(file.relative_to(KUBERNETES)))
def test_no_manifest_holds_a_secret_and_each_variable_is_a_setting(file: Any) -> None:
    assert not _PASSWORD_IN_ADDRESS.search(file.read_text(encoding="utf-8"))
    for document in documents(file):
        assert document.get("kind") != "Secret"
        assert "secretGenerator" not in document
        assert literals(document).keys() <= SETTINGS
        assert not [name for name in literals(document) if any(word in name for word in SECRET)]
        for container in (each for pod in pod_specs(document) for each in containers(pod)):
            for variable in container.get("env", []):
                assert variable["name"] in SETTINGS
                if any(word in variable["name"] for word in SECRET):
                    assert variable.keys() == {"name", "valueFrom"}
                    assert "secretKeyRef" in variable["valueFrom"]


@pytest.mark.parametrize("service", [service.name for service in PROCESSES])
def test_each_service_has_its_manifest_and_a_secret_of_its_own(service: str) -> None:
    [stateful] = [each for each in documents(KUBERNETES / "base" / f"{service}.yaml") if each["kind"] == "StatefulSet"]
    [pod] = pod_specs(stateful)
    [container] = containers(pod)
    assert container["args"] == ["service", service]
    assert {each["valueFrom"]["secretKeyRef"]["name"] for each in container["env"]} == {f"intercompany-{service}"}


def test_the_compose_file_names_only_settings_that_exist() -> None:
    for name, service in _compose().items():
        if "intercompany" in service["image"]:
            assert service.get("environment", {}).keys() <= SETTINGS, name


def test_the_compose_file_gives_each_service_a_role_of_its_own() -> None:
    services = _compose()
    roles = {
        name: re.search(r"//(\w+):", services[name]["environment"]["DATABASE_URL"])
        for name in ("payment", "settlement", "posting", "inquiry")
    }
    assert {name: found and found[1] for name, found in roles.items()} == {name: f"intercompany_{name}" for name in roles}


@pytest.mark.parametrize("name", _compose())
def test_no_container_of_the_compose_file_has_more_rights_than_it_needs(name: str) -> None:
    service = _compose()[name]
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert "privileged" not in service
    assert service["mem_limit"]
    watches = service.get("profiles") == ["observe"]
    assert name == "web" or watches or not service.get("ports"), "nothing but the API is reachable from outside by default"
    assert all(port.startswith("127.0.0.1:") for port in service.get("ports", ()))
    if name in _OURS or watches:
        assert service["read_only"] is True


def test_the_api_is_reachable_from_this_machine_alone_and_asks_for_a_token() -> None:
    web = _compose()["web"]
    assert web["ports"] == ["127.0.0.1:${WEB_PORT:-8088}:8088"]
    assert web["environment"]["HTTP_AUTH"] == "tokens"
    assert "intercompany_web" in web["environment"]["DATABASE_URL"]
    [pod] = [pod for each in documents(KUBERNETES / "base" / "web.yaml") for pod in pod_specs(each)]
    [container] = containers(pod)
    variables = {each["name"]: each.get("value") for each in container["env"]}
    assert (variables["HTTP_AUTH"], variables["HTTP_TOKENS_FILE"]) == ("tokens", "/etc/intercompany/web/tokens.yaml")
    assert {each["valueFrom"]["secretKeyRef"]["name"] for each in container["env"] if "valueFrom" in each} == {"intercompany-web"}


def test_the_image_runs_as_nobody_in_particular_and_is_pulled_by_a_tag() -> None:
    text = (DEPLOY / "Dockerfile").read_text(encoding="utf-8")
    user = re.findall(r"^USER (\d+):(\d+)$", text, re.MULTILINE)
    assert user
    assert "0" not in user[-1]
    assert "# syntax=" not in text
    assert set(re.findall(r"^FROM (\S+)", text, re.MULTILINE)) == {"${PYTHON_IMAGE}", "libraries", "scratch"}


def test_the_image_goes_without_the_benchmark_and_has_the_examples_that_the_compose_file_names() -> None:
    context = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    assert context.index("!services") < context.index("services/bench")
    assert "COPY services/scenarios/examples /scenarios" in (DEPLOY / "Dockerfile").read_text(encoding="utf-8")
    named = re.findall(r"/scenarios/(\S+\.yaml)", " ".join(_compose()["demo"]["command"]))
    assert named
    assert all((EXAMPLES / name).is_file() for name in named)


@pytest.mark.parametrize("file", sorted((DEPLOY / "topics").glob("*.yaml")), ids=lambda file: file.stem)
def test_the_topics_of_each_environment_are_all_topics(file: Any) -> None:
    specs = topics_of(Settings(topics_file=file))
    assert {spec.name for spec in specs} == {value for name, value in vars(Topic).items() if name.isupper()}
    assert all(spec.replication_factor for spec in specs)


def test_the_topics_files_that_are_named_are_there() -> None:
    named = {literals(each).get("TOPICS_FILE") for file in manifests() for each in documents(file)}
    named |= {service.get("environment", {}).get("TOPICS_FILE") for service in _compose().values()}
    paths = [path for path in named if path]
    assert len(paths) == 2
    assert all((ROOT / path.lstrip("/")).is_file() for path in paths)
