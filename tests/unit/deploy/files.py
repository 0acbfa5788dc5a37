"""The files of deploy/ as the tests read them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import yaml

from shared.settings import Settings

ROOT: Final = Path(__file__).parents[3]
DEPLOY: Final = ROOT / "deploy"
KUBERNETES: Final = DEPLOY / "kubernetes"
COMPOSE: Final = ROOT / "docker-compose.yml"
SETTINGS: Final = frozenset(name.upper() for name in Settings.model_fields)
SECRET: Final = ("PASSWORD", "SECRET", "DATABASE_URL", "CREDENTIAL")
"""What is in the name of a variable that holds a secret."""


def documents(file: Path) -> list[dict[str, Any]]:
    """All documents of a YAML file."""
    return [each for each in yaml.safe_load_all(file.read_text(encoding="utf-8")) if each]


def manifests() -> list[Path]:
    """Every file of the Kubernetes manifests."""
    return sorted(KUBERNETES.rglob("*.yaml"))


def pod_specs(document: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The pods that a document describes."""
    template = document.get("spec", {}).get("template")
    if template:
        yield template["spec"]


def containers(pod: dict[str, Any]) -> list[dict[str, Any]]:
    """A pod's containers, those before them too."""
    return [*pod.get("initContainers", []), *pod["containers"]]


def literals(kustomization: dict[str, Any]) -> dict[str, str]:
    """The variables that a kustomization sets."""
    return dict(text.split("=", 1) for each in kustomization.get("configMapGenerator", []) for text in each.get("literals", []))
