"""The documentation that `make docs` has built, as it stands in its folder (SITE_DIR): files, nothing else.

Invariant: nothing outside the folder is read, whatever an address says; nobody has to be signed in, since it says nothing of anybody's
books.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from starlette.responses import PlainTextResponse
from starlette.staticfiles import StaticFiles

if TYPE_CHECKING:
    from pathlib import Path

    from starlette.types import Receive, Scope, Send

NOT_BUILT: Final = (
    "The documentation was not built here: `make docs` builds it into the folder that SITE_DIR names. Its texts are in docs/.\n"
)
POLICY: Final = "default-src 'self'; img-src 'self' data:; frame-ancestors 'none'; form-action 'self'; base-uri 'none'"
"""Its pages are the console's neighbours and have no more rights; the theme has its signs as `data:` in its style sheets."""


class Documentation:
    """The files of a folder (ASGI), looked at with every request: it may be built while the service runs."""

    def __init__(self, folder: Path) -> None:
        self._index = folder / "index.html"
        self._files = StaticFiles(directory=folder, html=True, check_dir=False)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers one request: 404 and how it is built where it was not."""
        answer = self._files if self._index.is_file() else PlainTextResponse(NOT_BUILT, status_code=404)
        await answer(scope, receive, send)
