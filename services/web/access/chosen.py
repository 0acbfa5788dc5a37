"""How those who ask prove who they are, by HTTP_AUTH.

Invariant: without authentication nothing listens on an address that others than this machine reach; what a way needs and is not
set is said when the process starts, by the name of its variable.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from services.web.access.none import NoAuthentication
from services.web.access.oidc import OidcAuthentication
from services.web.access.tokens import TokenAuthentication, read_tokens
from shared.settings import HttpAuth, Settings, SettingsError

if TYPE_CHECKING:
    from services.web.access.roles import Authentication
    from shared.delivery.ports import Clock


def check_address(settings: Settings) -> None:
    """SettingsError, which names both variables, where whoever reaches this machine could do everything."""
    if settings.http_auth is HttpAuth.NONE and not settings.http_is_local:
        msg = (
            f"HTTP_HOST={settings.http_host} with HTTP_AUTH=none would let everybody who reaches this machine do everything: "
            "set HTTP_AUTH=tokens or HTTP_AUTH=oidc, or HTTP_HOST=127.0.0.1"
        )
        raise SettingsError(msg)


def authentication(settings: Settings, clock: Clock) -> Authentication:
    """The way that HTTP_AUTH says; SettingsError where it lacks something."""
    check_address(settings)
    if settings.http_auth is HttpAuth.OIDC:
        return OidcAuthentication(settings, clock)
    if settings.http_auth is HttpAuth.TOKENS:
        if settings.http_tokens_file is None:
            msg = "HTTP_TOKENS_FILE is needed with HTTP_AUTH=tokens: a YAML list of name, sha256, roles, companies, sources, expires"
            raise SettingsError(msg)
        return TokenAuthentication(read_tokens(settings.http_tokens_file), clock)
    return NoAuthentication()
