"""Without authentication: whoever asks from this machine may do everything.

Invariant: only what is addressed to this machine by name is answered, and nothing that a page of another site has a browser ask,
so that no page on the internet can reach it (DNS rebinding, cross-site requests).
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from services.desk.actions.people import local_user
from services.web.access.roles import NOTHING, Actor, Role
from services.web.problems import Code, ProblemError

if TYPE_CHECKING:
    from collections.abc import Mapping

_HERE: Final = r"(?:localhost|127\.0\.0\.1|\[::1\])(?::[0-9]{1,5})?"
_HOST: Final = re.compile(_HERE, re.IGNORECASE)
_ORIGIN: Final = re.compile(f"https?://{_HERE}", re.IGNORECASE)


class NoAuthentication:
    """Takes everybody on this machine for its user (HTTP_AUTH=none)."""

    def __init__(self) -> None:
        self._actor = Actor(local_user(), frozenset(Role))

    async def actor_of(self, headers: Mapping[str, str]) -> Actor:
        """This machine's user, with all roles; ProblemError (not-allowed) for a request that is not addressed to this machine."""
        host = headers.get("host", "")
        if _HOST.fullmatch(host) is None:
            raise ProblemError(Code.NOT_ALLOWED, "foreign-host", host=host or NOTHING)
        origin = headers.get("origin")
        if origin is not None and _ORIGIN.fullmatch(origin) is None:
            raise ProblemError(Code.NOT_ALLOWED, "foreign-origin", origin=origin)
        if headers.get("sec-fetch-site") == "cross-site":
            raise ProblemError(Code.NOT_ALLOWED, "foreign-site")
        return self._actor

    async def close(self) -> None:
        """Nothing is open."""
