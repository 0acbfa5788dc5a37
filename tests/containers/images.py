"""The images of the container tests: the official ones unless settings name others, and the project's own, built here."""

from __future__ import annotations

import os
import subprocess
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

KAFKA_IMAGE: Final = os.environ.get("KAFKA_IMAGE") or "apache/kafka:4.3.0"
POSTGRES_IMAGE: Final = os.environ.get("POSTGRES_IMAGE") or "postgres:17-trixie"
PYTHON_IMAGE: Final = os.environ.get("PYTHON_IMAGE") or "python:3.13-slim-trixie"

ROOT: Final = Path(__file__).parents[2]
_BUILT_WITHIN: Final = 600


@contextmanager
def built_image() -> Iterator[str]:
    """The tag of the project's image, built from this checkout; the tag is this run's own and gone at the end."""
    tag = f"intercompany:test-{os.getpid()}"
    build = ["docker", "build", "--quiet", "--file", "deploy/Dockerfile", "--build-arg", f"PYTHON_IMAGE={PYTHON_IMAGE}", "--tag", tag, "."]
    subprocess.run(build, cwd=ROOT, check=True, timeout=_BUILT_WITHIN)  # noqa: S603 - our own words
    try:
        yield tag
    finally:
        subprocess.run(["docker", "image", "rm", tag], check=False, capture_output=True)  # noqa: S603, S607 - as above
