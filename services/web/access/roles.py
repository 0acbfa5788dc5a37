"""Who asks, in which roles, and over which companies and sources they may.

Invariant: a role says what may be done, the scope to whose books; what is outside of the scope looks to a reader like what is
not there, and a writer is told.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Final, Protocol

from services.web.problems import Code, ProblemError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping


class Role(StrEnum):
    """What somebody may do."""

    READER = "reader"
    SENDER = "sender"
    OPERATOR = "operator"
    APPROVER = "approver"
    MASTER = "master"


EVERYTHING: Final = "*"
NOTHING: Final = "-"
"""How an empty list, or what was not given, is written."""


@dataclass(frozen=True, slots=True)
class Actor:
    """Somebody who asks. `companies` None: all; `sources`: what the sources of their events begin with, None: anything."""

    name: str
    roles: frozenset[Role]
    companies: frozenset[str] | None = None
    sources: tuple[str, ...] | None = None

    def sees(self, *companies: str | None) -> bool:
        """Whether one of these companies is in scope."""
        return self.companies is None or any(company in self.companies for company in companies)

    def needs(self, role: Role) -> None:
        """ProblemError (not-allowed) without the role."""
        if role not in self.roles:
            raise ProblemError(Code.NOT_ALLOWED, "role-needed", role=role, name=self.name, roles=self.roles_in_words)

    @property
    def roles_in_words(self) -> str:
        """The roles, in the order in which they are defined."""
        return ", ".join(role for role in Role if role in self.roles) or NOTHING

    def reads_of(self, company: str | None) -> frozenset[str] | None:
        """The companies that a list is of: the one asked for, or all in scope (None: all there are).

        ProblemError (not-found) for one outside of the scope.
        """
        if company is None:
            return self.companies
        if not self.sees(company):
            raise ProblemError(Code.NOT_FOUND, "no-record", what="company")
        return frozenset({company})

    def acts_for(self, companies: Iterable[str]) -> None:
        """ProblemError (company-out-of-scope) if one of them is outside of the scope."""
        for company in companies:
            if not self.sees(company):
                own = ", ".join(sorted(self.companies or ())) or NOTHING
                raise ProblemError(Code.COMPANY_OUT_OF_SCOPE, "company-refused", name=self.name, companies=own, company=company)

    def sends_for(self, source: str) -> None:
        """ProblemError (source-not-allowed) if it may not send events of this source."""
        if self.sources is not None and not source.startswith(self.sources):
            own = ", ".join(self.sources) or NOTHING
            raise ProblemError(Code.SOURCE_NOT_ALLOWED, "source-refused", name=self.name, sources=own, source=source)


class Authentication(Protocol):
    """Says who asks."""

    async def actor_of(self, headers: Mapping[str, str]) -> Actor:
        """The one who asks; ProblemError (not-authenticated, not-allowed) otherwise. `headers`: by their names in lower case."""

    async def close(self) -> None:
        """Closes what it has open."""


def bearer_token(headers: Mapping[str, str]) -> str:
    """The token of a request; ProblemError (not-authenticated) without one."""
    scheme, _, token = headers.get("authorization", "").strip().partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        raise ProblemError(Code.NOT_AUTHENTICATED, "no-token")
    return token.strip()
