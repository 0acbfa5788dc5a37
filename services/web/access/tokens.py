"""Tokens from a file, for continuous integration and machines (HTTP_AUTH=tokens, HTTP_TOKENS_FILE).

Invariant: the file has digests, not tokens; a token is compared in constant time with each of them; what is wrong in the file
is said with its place when the process starts, without a digest.
"""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import yaml
from pydantic import BaseModel, ConfigDict, StringConstraints, TypeAdapter, ValidationError

from services.web.access.roles import EVERYTHING, Actor, Role, bearer_token
from services.web.problems import Code, ProblemError
from shared.settings import SettingsError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from shared.delivery.ports import Clock

Name = Annotated[str, StringConstraints(min_length=1, max_length=100)]
Digest = Annotated[str, StringConstraints(pattern=r"^[0-9a-fA-F]{64}$")]


class TokenEntry(BaseModel):
    """An entry of the file: whose token, its SHA-256 in hexadecimal, and what its bearer may do until it expires."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    name: Name
    sha256: Digest
    roles: list[Role]
    companies: list[str] = [EVERYTHING]
    sources: list[str] = [EVERYTHING]
    expires: datetime | None = None


_ENTRIES: Final = TypeAdapter(list[TokenEntry])


@dataclass(frozen=True, slots=True)
class Token:
    """A token that is known by its digest."""

    digest: bytes
    actor: Actor
    expires: datetime | None


class TokenAuthentication:
    """Knows who asks by a token of the file."""

    def __init__(self, tokens: Sequence[Token], clock: Clock) -> None:
        self._tokens = tokens
        self._clock = clock

    async def actor_of(self, headers: Mapping[str, str]) -> Actor:
        """The bearer of the token; ProblemError (not-authenticated) for none, an unknown or an expired one."""
        return self.actor_of_digest(digest_of(bearer_token(headers)))

    def actor_of_digest(self, given: bytes) -> Actor:
        """The bearer of the token that has this digest; ProblemError (not-authenticated) for an unknown or an expired one."""
        # Every one is compared, so that the time says nothing of which it is.
        found = [token for token in self._tokens if hmac.compare_digest(token.digest, given)]
        if not found:
            raise ProblemError(Code.NOT_AUTHENTICATED, "token-unknown")
        if found[0].expires is not None and found[0].expires <= self._clock.now():
            raise ProblemError(Code.NOT_AUTHENTICATED, "token-expired")
        return found[0].actor

    async def close(self) -> None:
        """Nothing is open."""


def digest_of(token: str) -> bytes:
    """What the file has of a token."""
    return hashlib.sha256(token.encode()).digest()


def read_tokens(path: Path) -> list[Token]:
    """The tokens of a file; SettingsError, with the place, if it cannot be read or is wrong."""
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        msg = f"HTTP_TOKENS_FILE cannot be read: {error.strerror}"
        raise SettingsError(msg) from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        msg = "HTTP_TOKENS_FILE is not YAML"
        raise SettingsError(msg) from error
    return _tokens(content)


def _tokens(content: Any) -> list[Token]:
    try:
        entries = _ENTRIES.validate_python(content)
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        place = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in first["loc"])
        msg = f"HTTP_TOKENS_FILE{place}: {first['msg']} (a list of name, sha256, roles, companies, sources, expires)"
        raise SettingsError(msg) from None
    twice = {entry.sha256.lower() for entry in entries if sum(other.sha256.lower() == entry.sha256.lower() for other in entries) > 1}
    if twice:
        names = ", ".join(entry.name for entry in entries if entry.sha256.lower() in twice)
        msg = f"HTTP_TOKENS_FILE: {names} have one token: give each their own"
        raise SettingsError(msg)
    return [_token(entry) for entry in entries]


def _token(entry: TokenEntry) -> Token:
    companies = None if EVERYTHING in entry.companies else frozenset(entry.companies)
    sources = None if EVERYTHING in entry.sources else tuple(entry.sources)
    expires = entry.expires
    if expires is not None and expires.tzinfo is None:
        expires = expires.replace(tzinfo=UTC)
    return Token(bytes.fromhex(entry.sha256), Actor(entry.name, frozenset(entry.roles), companies, sources), expires)
