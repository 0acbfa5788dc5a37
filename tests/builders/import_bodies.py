"""The files of tests/files as `POST /v1/imports` takes them."""

from __future__ import annotations

import base64
from typing import Any, Final

from services.scenarios.yaml_files import read_yaml
from tests.scenario_files import ROOT

FILES: Final = ROOT / "tests/files"


def body_of(file: str, mapping: str, **more: Any) -> dict[str, Any]:
    content = base64.b64encode((FILES / file).read_bytes()).decode()
    return {"name": file, "content": content, "mapping": read_yaml(FILES / mapping), "reason": "receipts of a day", **more}
