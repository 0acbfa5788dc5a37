"""Who acts where nobody proves who they are: this machine's user, at the command line and over HTTP alike."""

from __future__ import annotations

import getpass


def local_user() -> str:
    """`local:` and the user of this process; one that has no name (a container's) is `unnamed`."""
    try:
        return f"local:{getpass.getuser()}"
    except (KeyError, OSError):
        return "local:unnamed"
