"""Pages as a template makes them of given rows, without what is around them."""

from __future__ import annotations

from datetime import date
from typing import Any, cast

from jinja2 import ChoiceLoader, DictLoader, PackageLoader
from starlette.requests import Request

from services.web.console.reader import Reader
from services.web.console.rendering import _environment
from services.web.languages import Language

_LAYOUT = "{% block heading %}{% endblock %}{% block content %}{% endblock %}"
_ALONE = _environment()
_ALONE.loader = ChoiceLoader([DictLoader({"layout.html": _LAYOUT}), PackageLoader("services.web.console")])


def reader(language: Language = Language.ENGLISH, query: bytes = b"") -> Reader:
    """Somebody who reads pages; nothing can be asked on their behalf."""
    headers = [(b"accept-language", language.value.encode())]
    request = Request({"type": "http", "method": "GET", "path": "/", "query_string": query, "headers": headers})
    nothing = cast("Any", None)
    return Reader(request, None, nothing, date(2026, 3, 31), nothing, nothing)


def content(template: str, language: Language = Language.ENGLISH, **view: Any) -> str:
    """What a page shows of a view."""
    of = reader(language)
    return _ALONE.get_template(f"pages/{template}").render(r=of, t=of.t, n=of.name, title="", **view)


def macro(template: str, name: str, *given: Any) -> str:
    """What a macro of the templates' parts makes of what it is given."""
    return str(getattr(_ALONE.get_template(f"parts/{template}").module, name)(reader(), *given))
