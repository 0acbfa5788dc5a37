"""Who is signed in, and that a form was sent from a page of ours: what the console signs.

A session says how somebody signed in; whether that still counts is asked again at every page. A form's token is bound to its reader.

Invariant: what was not signed here, or is older than eight hours, counts as not there.
"""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Any, Final

import structlog
from itsdangerous import BadData, TimestampSigner, URLSafeTimedSerializer

from services.web.problems import Code, ProblemError

if TYPE_CHECKING:
    from starlette.responses import Response

    from services.web.access.roles import Actor
    from shared.delivery.ports import Clock
    from shared.settings import Settings

log = structlog.get_logger(__name__)

SESSION: Final = "__Host-session"
SIGN_IN: Final = "__Host-sign-in"
"""What is on its way to the identity provider and back."""
LASTS: Final = 8 * 3600
SIGN_IN_LASTS: Final = 600
_SECRET_BYTES: Final = 32


class Signing:
    """Signs and reads what a browser keeps for us; `clock` says how old it is."""

    def __init__(self, settings: Settings, clock: Clock) -> None:
        given = settings.http_session_secret
        if given is None:
            log.info("HTTP_SESSION_SECRET is not set: a random one is used, so whoever is signed in signs in again after a restart")
        self._secret = secrets.token_hex(_SECRET_BYTES) if given is None else given.get_secret_value()

        class ByClock(TimestampSigner):
            def get_timestamp(self) -> int:
                return int(clock.now().timestamp())

        self._signer = ByClock

    def signed(self, purpose: str, content: Any) -> str:
        """The content, signed for a purpose (the name of a cookie, or a form)."""
        return str(self._of(purpose).dumps(content))

    def read(self, purpose: str, given: str | None, lasts: int = LASTS) -> Any:
        """The content; None where it was not signed here for this purpose, or is older than `lasts` seconds."""
        try:
            return self._of(purpose).loads(given or "", max_age=lasts)
        except BadData:
            return None

    def form_token(self, actor: Actor | None) -> str:
        """What a form of this reader's sends along."""
        return self.signed("form", [None if actor is None else actor.name, secrets.token_hex(8)])

    def check_form(self, given: str | None, actor: Actor | None) -> None:
        """ProblemError (not-allowed) where a form was not sent from a page that was made for this reader."""
        found = self.read("form", given)
        if not isinstance(found, list) or found[0] != (None if actor is None else actor.name):
            raise ProblemError(Code.NOT_ALLOWED, "form-foreign")

    def _of(self, purpose: str) -> URLSafeTimedSerializer:
        return URLSafeTimedSerializer(self._secret, salt=purpose, signer=self._signer)


def keep(answer: Response, name: str, value: str, lasts: int) -> None:
    """Has the browser keep a cookie of this host alone, which no script reads; an empty value takes it away."""
    answer.set_cookie(name, value, max_age=lasts if value else 0, path="/", secure=True, httponly=True, samesite="lax")
