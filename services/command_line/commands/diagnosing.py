"""`diagnose`: one file for support."""

from __future__ import annotations

import asyncio
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import orjson
import typer

from services.desk.diagnosis import diagnosis
from services.desk.schemas import open_schemas
from shared.console import notes
from shared.embedded.addresses import product_settings
from shared.settings_shown import HIDDEN, secrets_of

if TYPE_CHECKING:
    from shared.settings import Settings

STANDARD_OUTPUT: Final = "-"
Output = Annotated[str, typer.Option(metavar="FILE", help="Where to; - is standard output.")]


def diagnose_command(output: Output = "intercompany-diagnosis.json") -> None:
    """Writes one file for support: versions, settings without secrets, lags, counts, the last errors.

    What cannot be had, because database or broker are away, is named in its place. No secret is in it, and nothing of the books but
    what the errors of messages that were put aside repeat; look into it before you send it.

    Example: intercompany diagnose --output diagnosis.json
    """
    settings = product_settings()
    text = without_secrets(orjson.dumps(asyncio.run(_diagnosed(settings)), option=orjson.OPT_INDENT_2).decode(), settings)
    if output == STANDARD_OUTPUT:
        sys.stdout.write(text + "\n")
        return
    Path(output).write_text(text + "\n", encoding="utf-8")
    notes().print(f"Written to {output}.", markup=False)


async def _diagnosed(settings: Settings) -> dict[str, Any]:
    async with open_schemas(settings) as schemas:
        return await diagnosis(schemas, datetime.now(UTC))


def without_secrets(text: str, settings: Settings) -> str:
    """A text without the secrets of the settings: an error of a library may repeat what it was given."""
    for secret in sorted(filter(None, secrets_of(settings)), key=len, reverse=True):
        text = text.replace(orjson.dumps(secret).decode()[1:-1], HIDDEN)
    return text
