"""Parameters that an operation does not have are refused: one that is misspelt would else be ignored without a word.

Invariant: what an operation has is what the OpenAPI document says; each parameter stands in a request once at most.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from starlette.requests import Request

from services.web.frame import language_of
from services.web.languages import Language, text, wrong
from services.web.problems import Code, Fault, ProblemError
from services.web.wordings import near_or_all
from shared.events.values import shown

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from starlette.types import ASGIApp, Receive, Scope, Send


ANY: Final = "NAME"
"""What a parameter `KIND.NAME` is called in the document that a request may have for any name."""


class KnownParameters:
    """Stands before the routes (ASGI); `known` gives the parameters of each operation, by path and method."""

    def __init__(self, app: ASGIApp, known: Callable[[], Mapping[tuple[str, str], frozenset[str]]]) -> None:
        self._app = app
        self._known = known

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Lets a request through; ProblemError (parameter-invalid) with each parameter that is not there, and what there is."""
        if scope["type"] == "http":
            known = self._known().get((scope["path"], scope["method"]))
            if known is not None:
                _refuse_unknown(Request(scope), known)
        await self._app(scope, receive, send)


def _refuse_unknown(request: Request, known: frozenset[str]) -> None:
    language = language_of(request.scope)
    given = [name for name, _ in request.query_params.multi_items()]
    known_here = {name for name in given if name in known or f"{name.partition('.')[0]}.{ANY}" in known}
    faults = [_unknown(name, known, language) for name in dict.fromkeys(given) if name not in known_here]
    faults += [
        Fault(f"/{name}", "parameter-invalid", text(language, "parameter-twice"))
        for name in dict.fromkeys(given)
        if name in known_here and given.count(name) > 1
    ]
    if faults:
        raise wrong_parameters(faults)


def _unknown(name: str, known: frozenset[str], language: Language) -> Fault:
    hint = near_or_all(name, sorted(known), language)
    return Fault(f"/{name}", "parameter-invalid", text(language, "unknown-parameter").format(hint=hint))


def not_known(name: str, given: str, known: Sequence[str], language: Language) -> ProblemError:
    """The problem of a parameter whose value is none of those that there are: which was meant, or all that there are."""
    return wrong_parameters([fault_of_unknown(f"/{name}", given, known, language)])


def fault_of_unknown(pointer: str, given: str, known: Sequence[str], language: Language, code: str = Code.PARAMETER_INVALID) -> Fault:
    """That a value is none of those that there are, at this place."""
    said = wrong(language, "one-of").format(value=shown(given), hint=near_or_all(given, known, language))
    return Fault(pointer, code, said)


def wrong_parameters(faults: Sequence[Fault]) -> ProblemError:
    """The problem of these parameters: one is said in the detail too."""
    if len(faults) == 1:
        name = faults[0].pointer.removeprefix("/")
        return ProblemError(Code.PARAMETER_INVALID, "parameter", name=name, message=faults[0].message, faults=faults)
    return ProblemError(Code.PARAMETER_INVALID, "parameters", number=len(faults), faults=faults)
