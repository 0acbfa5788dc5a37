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
    found = without_secrets(asyncio.run(_diagnosed(settings)), settings)
    text = orjson.dumps(found, option=orjson.OPT_INDENT_2).decode()
    if output == STANDARD_OUTPUT:
        sys.stdout.write(text + "\n")
        return
    Path(output).write_text(text + "\n", encoding="utf-8")
    notes().print(f"Written to {output}.", markup=False)


async def _diagnosed(settings: Settings) -> dict[str, Any]:
    async with open_schemas(settings) as schemas:
        return await diagnosis(schemas, datetime.now(UTC))


def without_secrets(found: Any, settings: Settings) -> Any:
    """What was found without the secrets of the settings: an error of a library may repeat what it was given.

    Only what is text is looked into: a password that is a number, or a word of JSON, leaves the rest a document that can be read.
    """
    secrets = sorted(set(secrets_of(settings)), key=len, reverse=True)

    def clean(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: clean(each) for key, each in value.items()}
        if isinstance(value, list):
            return [clean(each) for each in value]
        if isinstance(value, str):
            for secret in secrets:
                value = value.replace(secret, HIDDEN)
        return value

    return clean(found)
