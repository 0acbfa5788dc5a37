"""What `contract check` and `contract validate` find.

Invariant: what was promised is read from files or from a git revision, never from this program; an event is judged by the very
decoder that the services read with.
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from services.contract.comparison import Schema, breaks
from services.contract.places import FOLDER, SCHEMAS
from shared.events.codec import decode
from shared.events.contract import CONTRACT, short_type
from shared.events.envelope import Message, Record, Topic
from shared.events.schemas import json_schemas

_CONTENT_TYPE: Final = (("content-type", b"application/cloudevents+json"),)


class NoContractError(Exception):
    """Where a version of the contract was looked for there is none; the text says where."""


def against(where: str) -> list[str]:
    """What breaks those who rely on a version: a folder with `schemas`, or a git revision of this checkout.

    NoContractError if there are no schemas.
    """
    folder = Path(where)
    old = _of_folder(folder) if folder.is_dir() else _of_revision(where)
    if not old:
        msg = f"{where} is neither a folder with {SCHEMAS}/*.json nor a git revision with {FOLDER}/{SCHEMAS}"
        raise NoContractError(msg)
    return breaks(old, json_schemas())


def _of_folder(folder: Path) -> dict[str, Schema]:
    return {path.stem: json.loads(path.read_text(encoding="utf-8")) for path in sorted((folder / SCHEMAS).glob("*.json"))}


def _of_revision(revision: str) -> dict[str, Schema]:
    place = f"{FOLDER}/{SCHEMAS}/"
    listed = _git("ls-tree", "--name-only", "-z", "--end-of-options", revision, "--", place)
    paths = [path for path in listed.split("\0") if path.endswith(".json")]
    return {Path(path).stem: json.loads(_git("show", "--end-of-options", f"{revision}:{path}")) for path in paths}


def _git(*arguments: str) -> str:
    """What git says; nothing if it is not there, or does not know the revision."""
    try:
        done = subprocess.run(["git", *arguments], capture_output=True, check=False)  # noqa: S603, S607 - the user's own git
    except FileNotFoundError:
        return ""
    return done.stdout.decode() if done.returncode == 0 else ""


def verdicts(text: bytes) -> Iterator[tuple[bool, str]]:
    """Of each event of a file (one CloudEvent in the structured form, or a list of them) whether it is one of the contract, and why not."""
    try:
        document = json.loads(text)
    except ValueError as error:
        yield False, f"malformed: the file is not JSON: {error}"
        return
    if document == []:
        yield False, "the list is empty: no event was checked"
    for event in document if isinstance(document, list) else [document]:
        yield _verdict(event)


def _verdict(event: Any) -> tuple[bool, str]:
    type_ = event.get("type") if isinstance(event, dict) else None
    name = short_type(type_) if isinstance(type_, str) else None
    topic = CONTRACT[name].topic if name is not None else Topic.REQUESTS
    came = decode(Record(topic, None, json.dumps(event).encode(), _CONTENT_TYPE))
    if isinstance(came, Message):
        return True, f"{type_} {came.ref.id}: an event of the contract, for {topic}"
    id_ = event.get("id") if isinstance(event, dict) else None
    named = f"{type_ or 'the event'}{f' {id_}' if isinstance(id_, str) else ''}"
    return False, f"{named}: {came.code}{f' at {came.field}' if came.field else ''}: {came.message}"
