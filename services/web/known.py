"""Filters whose values are known: one that is none of them is refused by name, for an empty list would be taken for an answer.

Invariant: of companies none is named that whoever asks may not see; whether a company is known is asked only where nothing was found.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from services.web.frame import actor_of, language_of
from services.web.languages import wrong
from services.web.parameters import not_known, wrong_parameters
from services.web.problems import Fault
from services.web.wordings import near_or_all
from shared.events.kinds import KINDS
from shared.events.value_schemas import OPEN_BY_NAME
from shared.events.values import shown

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from fastapi import Request

CODES: Final = sorted(OPEN_BY_NAME["code"])
"""With which codes something is refused (docs/events.md)."""
VALUES: Final[dict[str, Sequence[str]]] = {
    "code": CODES,
    "kind": sorted(KINDS),
    "posting_type": sorted(OPEN_BY_NAME["posting_type"]),
}
"""The values of filters, by their names."""
_COMPANIES: Final = ("company", "partner")


def refuse_unknown_values(request: Request) -> None:
    """ProblemError (parameter-invalid) for a filter whose value is none of those that there are."""
    for name, values in VALUES.items():
        given = request.query_params.get(name)
        if given is not None and given not in values:
            raise not_known(name=name, given=given, known=values, language=language_of(request.scope))


def refuse_unknown_companies(request: Request, defined: Iterable[str]) -> None:
    """ProblemError (parameter-invalid) for a company that was never defined, with those in scope that are spelled like it."""
    companies, actor, language = set(defined), actor_of(request.scope), language_of(request.scope)
    for name in _COMPANIES if companies else ():
        given = request.query_params.get(name)
        if given is not None and given not in companies:
            hint = near_or_all(given, sorted(each for each in companies if actor.sees(each)), language)
            said = wrong(language, "unknown-company").format(value=shown(given), hint=hint)
            raise wrong_parameters([Fault(f"/{name}", "parameter-invalid", said)])
