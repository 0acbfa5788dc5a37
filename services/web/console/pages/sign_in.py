"""`/sign-in` and what belongs to it: a token given, the way to the identity provider and back, and signing out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from starlette.responses import RedirectResponse

from services.web.console.forms import Form
from services.web.console.session import LASTS, SESSION, SIGN_IN, SIGN_IN_LASTS, keep
from services.web.console.ways import ProviderWay, TokenWay
from services.web.problems import Code, ProblemError

if TYPE_CHECKING:
    from starlette.responses import Response

    from services.web.console.reader import Reader

BACK: Final = "/sign-in/back"


async def view(reader: Reader) -> dict[str, Any] | Response:
    """The form for a token, or the way to the provider; with a token that counts: back to the page that was asked for."""
    next_ = local(reader.filled_in("next"))
    if reader.way.kind == "none":
        return RedirectResponse(next_, status_code=303)
    form = Form({"given": ""})
    if reader.sent is not None and isinstance(reader.way, TokenWay):
        try:
            session = reader.way.session_of(reader.sent.get("given") or "")
        except ProblemError as refused:
            form.wrong["given"] = refused.detail(reader.language)
        else:
            return _signed_in(reader, session, next_)
    return {"title": reader.t("Sign in"), "form": form, "next": next_, "way": reader.way.kind}


async def provider(reader: Reader) -> Response:
    """Leads to the identity provider."""
    way = _provider(reader)
    there, kept = await way.begun(_address(reader, BACK))
    answer = RedirectResponse(there, status_code=303)
    kept["next"] = local(reader.parameter("next"))
    keep(answer, SIGN_IN, reader.signing.signed(SIGN_IN, kept), SIGN_IN_LASTS)
    return answer


async def back(reader: Reader) -> Response:
    """Whoever comes back from the provider is signed in."""
    way = _provider(reader)
    kept = reader.signing.read(SIGN_IN, reader.request.cookies.get(SIGN_IN), SIGN_IN_LASTS)
    if kept is None:
        raise ProblemError(Code.NOT_AUTHENTICATED, "sign-in-late")
    session = await way.ended(dict(reader.request.query_params), kept, _address(reader, BACK))
    answer = _signed_in(reader, session, local(kept["next"]))
    keep(answer, SIGN_IN, "", 0)
    return answer


async def out(reader: Reader) -> Response:
    """Signs out; from a form of ours alone."""
    answer = RedirectResponse("/sign-in" if reader.sent is not None else "/", status_code=303)
    if reader.sent is not None:
        keep(answer, SESSION, "", 0)
    return answer


def local(address: str | None) -> str:
    """An address of ours that comes next; in place of any other the first page."""
    given = (address or "/").replace("\\", "/")
    try:
        parts = urlsplit(given)
    except ValueError:  # //[
        return "/"
    is_ours = not parts.scheme and not parts.netloc and given.startswith("/") and not given.startswith(("//", "/sign-"))
    return given if is_ours and given.isprintable() else "/"


def _signed_in(reader: Reader, session: Any, next_: str) -> Response:
    answer = RedirectResponse(next_, status_code=303)
    keep(answer, SESSION, reader.signing.signed(SESSION, session), LASTS)
    return answer


def _provider(reader: Reader) -> ProviderWay:
    if not isinstance(reader.way, ProviderWay):
        raise ProblemError(Code.NOT_FOUND, "no-address", path=reader.request.url.path)
    return reader.way


def _address(reader: Reader, path: str) -> str:
    """An address of ours as the provider knows it."""
    given = reader.public_url
    return (given.rstrip("/") if given else str(reader.request.base_url).rstrip("/")) + path
