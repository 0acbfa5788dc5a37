"""The settings as people see them: the page docs/settings.md, from the class itself, and those of a process without its secrets.

Invariant: every setting is on the page; no secret is in what is shown, neither a value nor a password within an address.
`python -m shared.settings_shown > docs/settings.md` writes the page.
"""

from __future__ import annotations

import os
import sys
from datetime import timedelta
from enum import StrEnum
from pathlib import Path
from types import UnionType
from typing import TYPE_CHECKING, Any, Final, Literal, Union, get_args, get_origin
from urllib.parse import parse_qsl, unquote, urlsplit

from pydantic import HttpUrl, SecretStr, TypeAdapter

from shared.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pydantic.fields import FieldInfo

IS_SET: Final = "(set, not shown)"
HIDDEN: Final = "***"
_SECRET_NAMES: Final = frozenset({"kafka_security_username"})
"""Settings whose values are not shown, though not secret by themselves."""
_READ_BY_LIBRARIES: Final = ("PGPASSWORD", "OTEL_EXPORTER_OTLP_HEADERS", "OTEL_EXPORTER_OTLP_TRACES_HEADERS")
_KINDS: Final[dict[Any, str]] = {
    bool: "true or false",
    int: "number",
    str: "text",
    Path: "path",
    HttpUrl: "address",
    SecretStr: "secret",
    timedelta: "duration",
    dict: "pairs",
}
_HEAD: Final = """\
# Settings

Environment variables, read at the start of every process and command; an error names the variable and what would be right.
Durations are ISO 8601 (`PT30S`, `PT5M`, `P30D`) or a number of seconds. A variable that is set to nothing counts as not set.
This page is written from the class `Settings` (`python -m shared.settings_shown > docs/settings.md`).

| variable | what | values | default |
|---|---|---|---|
"""


def page() -> str:
    """The page, as Markdown."""
    return _HEAD + "".join(f"| {' | '.join(cells)} |\n" for cells in map(_cells, *zip(*Settings.model_fields.items(), strict=True)))


def _cells(name: str, info: FieldInfo) -> tuple[str, ...]:
    default = info.get_default(call_default_factory=True, validated_data={})
    return f"`{name.upper()}`", (info.description or "").replace("|", "\\|"), _kind(info.annotation), _default(default)


def _kind(annotation: Any) -> str:
    """The values that a setting takes, in words."""
    origin = get_origin(annotation)
    if origin in {Union, UnionType}:
        return _kind(next(each for each in get_args(annotation) if each is not type(None)))
    if origin is Literal:
        return ", ".join(f"`{each}`" for each in get_args(annotation))
    if isinstance(annotation, type) and issubclass(annotation, StrEnum):
        return ", ".join(f"`{each.value}`" for each in annotation)
    if hasattr(annotation, "__metadata__"):
        return _kind(annotation.__origin__)
    return _KINDS[origin or annotation]


def _default(value: Any) -> str:
    if value is None or value in ("", {}):
        return "none"
    return f"`{_text(value)}`"


def _text(value: Any) -> str:
    """A value as it is written in the environment."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, timedelta):
        return str(TypeAdapter(timedelta).dump_python(value, mode="json"))
    return str(value)


def shown(settings: Settings) -> dict[str, str | None]:
    """The settings in force, without secrets: of those it is said that they are set."""
    return {name.upper(): _shown(name, value) for name, value in settings}


def _shown(name: str, value: Any) -> str | None:
    if value is None:
        return None
    if isinstance(value, SecretStr) or name in _SECRET_NAMES:
        return IS_SET
    text = _text(value)
    return _without_what_opens(text) if "://" in text else text


def _without_what_opens(address: str) -> str:
    """An address without whom it names before the host, which may be a token, and without its parameters, which may be keys."""
    parts = urlsplit(address)
    host = parts.netloc.rpartition("@")[2]
    who = f"{HIDDEN}@" if "@" in parts.netloc else ""
    return parts._replace(netloc=who + host, query=HIDDEN if parts.query else "", fragment="").geturl()


def secrets_of(settings: Settings) -> Iterator[str]:
    """Every secret that the settings have, for what is shown to be searched for them: also passwords within addresses.

    With them those that libraries read in the environment by themselves.
    """
    yield from filter(None, _each_secret(settings))


def _each_secret(settings: Settings) -> Iterator[str]:
    for name, value in settings:
        text = value.get_secret_value() if isinstance(value, SecretStr) else str(value or "")
        if isinstance(value, SecretStr) or name in _SECRET_NAMES:
            yield text
        if "://" in text:
            yield from _secrets_within(text, is_database=isinstance(value, SecretStr))
    for name in _READ_BY_LIBRARIES:
        yield from (os.environ.get(name, ""), os.environ.get(name, "").partition("=")[2])


def _secrets_within(address: str, *, is_database: bool) -> Iterator[str]:
    """The password in an address, or the name alone where it has none (a token), and its parameters: of a database those that open."""
    parts = urlsplit(address)
    secret = parts.password or ("" if is_database else parts.username) or ""
    yield from (secret, unquote(secret))
    for parameter, value in parse_qsl(parts.query):
        if "password" in parameter.lower() or not is_database:
            yield value


if __name__ == "__main__":
    sys.stdout.write(page())
