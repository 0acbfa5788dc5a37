"""Where the files of the published contract stand in a checkout, and what was promised."""

from __future__ import annotations

from pathlib import Path
from typing import Final

FOLDER: Final = Path("docs/contract")
PUBLISHED: Final = "published"
"""The folder below it with what was promised, by version."""

SCHEMAS: Final = "schemas"
EXAMPLES: Final = "examples"
PAGES: Final = "events"


def promises(folder: Path) -> list[Path]:
    """The folders of all versions that were published, the oldest first."""
    versions = [path for path in (folder / PUBLISHED).glob("*") if path.is_dir()]
    return sorted(versions, key=lambda path: tuple(int(part) for part in path.name.split(".")))
