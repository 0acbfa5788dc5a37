"""The Kubernetes manifests as a cluster gets them: rendered, valid by Kubernetes' own schemas, closed."""

from __future__ import annotations

import os
import shutil
import subprocess
from functools import cache
from typing import Any, Final

import kubernetes_validate
import pytest
import yaml

from services.registry import PROCESSES
from tests.unit.deploy.files import KUBERNETES, containers, pod_specs

_VERSIONS: Final = ("1.30", "1.33")
_RENDERERS: Final = (("kustomize", "build"), ("kubectl", "kustomize"))
_OVERLAYS: Final = ("development", "production")

pytestmark = pytest.mark.parametrize("overlay", _OVERLAYS)


@pytest.fixture(autouse=True)
def _renderer() -> None:
    """Skips, or fails where container tests are required, if neither program is on PATH."""
    if _command() is None:
        reason = "neither kustomize nor kubectl is on PATH: the Kubernetes manifests cannot be rendered"
        if os.environ.get("INTERCOMPANY_REQUIRE_CONTAINERS") == "1":
            pytest.fail(reason)
        pytest.skip(reason)


def _command() -> tuple[str, ...] | None:
    return next((command for command in _RENDERERS if shutil.which(command[0])), None)


@cache
def _rendered(overlay: str) -> list[dict[str, Any]]:
    command = (*(_command() or ()), str(KUBERNETES / "overlays" / overlay))
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)  # noqa: S603 - the commands above
    assert done.returncode == 0, done.stderr
    assert "deprecated" not in done.stderr
    return [each for each in yaml.safe_load_all(done.stdout) if each]


def _of_kind(overlay: str, kind: str) -> dict[str, dict[str, Any]]:
    return {each["metadata"]["name"]: each for each in _rendered(overlay) if each["kind"] == kind}


@pytest.mark.parametrize("version", _VERSIONS)
def test_each_object_is_valid(overlay: str, version: str) -> None:
    for each in _rendered(overlay):
        kubernetes_validate.validate(each, version, strict=True)


def test_every_container_is_closed(overlay: str) -> None:
    pods = [pod for each in _rendered(overlay) for pod in pod_specs(each)]
    assert len(pods) == len(PROCESSES) + 2
    for pod in pods:
        assert pod["automountServiceAccountToken"] is False
        assert pod["securityContext"]["runAsNonRoot"] is True
        assert pod["securityContext"]["runAsUser"] > 0
        assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
        for container in containers(pod):
            closed = {"allowPrivilegeEscalation": False, "readOnlyRootFilesystem": True, "capabilities": {"drop": ["ALL"]}}
            assert container["securityContext"] == closed
            assert container["resources"]["limits"]["memory"]
            assert container["resources"]["requests"].keys() == {"cpu", "memory"}


def test_each_service_has_probes_a_budget_and_a_static_membership_per_pod(overlay: str) -> None:
    services, budgets = _of_kind(overlay, "StatefulSet"), _of_kind(overlay, "PodDisruptionBudget")
    assert services.keys() == budgets.keys() == {service.name for service in PROCESSES}
    for name, service in services.items():
        [container] = service["spec"]["template"]["spec"]["containers"]
        assert container["livenessProbe"]["httpGet"]["path"] == "/live"
        assert container["readinessProbe"]["httpGet"]["path"] == "/ready"
        variables = {each["name"]: each["valueFrom"] for each in container["env"]}
        assert variables["GROUP_INSTANCE_ID"] == {"fieldRef": {"fieldPath": "metadata.name"}}
        labels = service["spec"]["template"]["metadata"]["labels"]
        assert budgets[name]["spec"]["selector"]["matchLabels"].items() <= labels.items()
        assert service["spec"]["selector"]["matchLabels"].items() <= labels.items()


def test_what_is_made_before_is_made_by_others_and_the_services_wait_for_it(overlay: str) -> None:
    [config] = [each for name, each in _of_kind(overlay, "ConfigMap").items() if name.startswith("intercompany-")]
    assert config["data"]["PROVISION"] == "false"
    [job] = _of_kind(overlay, "Job").values()
    [pod] = pod_specs(job)
    assert [container["args"] for container in containers(pod)] == [["migrate"], ["provision"]]
    of_services = {_secret(each) for service in _of_kind(overlay, "StatefulSet").values() for pod in pod_specs(service) for each in [pod]}
    assert _secret(pod).isdisjoint(frozenset().union(*of_services))


def _secret(pod: dict[str, Any]) -> frozenset[str]:
    variables = [each["valueFrom"] for container in containers(pod) for each in container["env"]]
    return frozenset(each["secretKeyRef"]["name"] for each in variables if "secretKeyRef" in each)


def test_nobody_is_let_in_and_nobody_spoken_to_but_who_is_named(overlay: str) -> None:
    policies = _of_kind(overlay, "NetworkPolicy")
    assert policies.keys() == {"intercompany", "web"}
    assert policies["web"]["spec"]["policyTypes"] == ["Ingress"]
    assert all(rule["ports"] and rule["from"] for rule in policies["web"]["spec"]["ingress"])
    policy = policies["intercompany"]
    assert set(policy["spec"]["policyTypes"]) == {"Ingress", "Egress"}
    assert all(rule["ports"] for rule in (*policy["spec"]["ingress"], *policy["spec"]["egress"]))
    if overlay == "production":
        assert all(rule["to"] for rule in policy["spec"]["egress"])


def test_images_have_a_tag(overlay: str) -> None:
    images = {container["image"] for each in _rendered(overlay) for pod in pod_specs(each) for container in containers(pod)}
    assert len(images) == 1
    assert images.pop().rsplit("/", 1)[-1].startswith("intercompany:")
