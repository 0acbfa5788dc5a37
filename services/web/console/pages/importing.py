"""`/imports`: a file is tried, looked at row by row, and then sent; the files that were imported, each as it came.

The page keeps nothing on the server between trying and sending: the file goes back to the reader with what it would do, and comes again
with the order.

Invariant: nothing is sent but what was seen: the button carries a digest of the file, of what its rows mean and of what became of each;
where one of these is another by then, it is shown again.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple
from urllib.parse import quote

import orjson
import yaml
from starlette.responses import RedirectResponse, Response, StreamingResponse

from services.scenarios.yaml_files import FileError, yaml_of
from services.web.console.api import READ_WITHIN, AskedInVainError
from services.web.console.forms import Form, carry_out, note_wrong
from services.web.console.pages.export import begun
from services.web.console.reader import url
from services.web.console.uploads import SentFile

if TYPE_CHECKING:
    from collections.abc import Iterable

    from services.web.console.reader import Reader

Row = dict[str, Any]

MOST_SHOWN: Final = 200
"""Rows that are shown at once, those that are wrong first."""
_MOST_MAPPING: Final = 64 * 1024
_MOST_EARLIER: Final = 20
_LISTED: Final = 50
_PLACES: Final = re.compile("(row|entry|transfer) ([0-9]+)")
"""What the places of rows are made of: the words are messages of the catalogues."""
_STATES: Final = ("accepted", "duplicate", "wrong", "left_out")


class _Chosen(NamedTuple):
    """What is to be tried: the file, and what its rows mean, as text and as what that says."""

    file: SentFile | None
    text: str
    mapping: Row | None


async def view(reader: Reader) -> Row | Response:
    """The form, and what the file would do; a sender's order sends what was seen and leads to the import."""
    form = Form({"reason": reader.filled_in("reason") or "", "mapping": "", "file": ""})
    said = await reader.ask("/v1/imports", limit=_LISTED, cursor=reader.parameter("cursor"))
    found: Row = {"tried": None, "is_new": False, "digest": None}
    chosen = _Chosen(None, await _earlier_text(reader, form, reader.parameter("as")), None)
    if reader.sent is not None:
        chosen = await _chosen(reader, form)
        if chosen.file is not None and chosen.mapping is not None:
            answer = await _tried_or_sent(reader, form, chosen)
            if isinstance(answer, Response):
                return answer
            found |= answer
    form.values["mapping"] = chosen.text
    return {
        "title": reader.t("Imports"),
        "form": form,
        "file": chosen.file,
        "content": "" if chosen.file is None else base64.b64encode(chosen.file.content).decode(),
        "imports": said["data"],
        "next": said["next"],
        "earlier": _by_name(said["data"])[:_MOST_EARLIER],
        "lacks": "sender" if reader.lacks("sender") else None,
        **found,
    }


async def _tried_or_sent(reader: Reader, form: Form, chosen: _Chosen) -> Row | Response:
    """What the file would do; or, where it is to be sent and is what was seen, the way to what became of it."""
    tried = await _tried(reader, form, chosen)
    if tried is None:
        return {}
    seen = _digest(chosen, tried)
    shown = {"tried": tried, "digest": seen, "summary": _summary(tried["rows"]), **_first(reader, tried["rows"])}
    do = None if reader.sent is None else reader.sent.get("do")
    if do not in {"send", "partial"} or reader.sent is None:
        return shown
    if not _is_seen(reader.sent.get("previewed") or "", seen, tried):
        return {**shown, "is_new": True}
    order = {**_body(chosen), "reason": form.value("reason"), "partial": do == "partial"}
    if await carry_out(reader, form, lambda under: reader.order("/v1/imports", order, under)) and form.done["id"] is not None:
        return RedirectResponse(url("/imports/import", id=form.done["id"], sent=1), status_code=303)
    return shown


async def _tried(reader: Reader, form: Form, chosen: _Chosen) -> Row | None:
    """What the file would do; None where it, or what its rows mean, is not as it has to be, which stands in the form then."""
    try:
        tried: Row = await reader.order("/v1/imports", {**_body(chosen), "dry_run": True, "reason": reader.t("tried alone")})
    except AskedInVainError as refused:
        note_wrong(form, refused)
        for name, field in (("/content", "/file"), ("/name", "/file")):
            if name in form.wrong:
                form.wrong[field] = form.wrong.pop(name)
        return None
    return tried


def _body(chosen: _Chosen) -> Row:
    file = chosen.file or SentFile("", b"")
    return {"name": file.name, "content": base64.b64encode(file.content).decode(), "mapping": chosen.mapping}


async def _chosen(reader: Reader, form: Form) -> _Chosen:
    """The file that was chosen now, else the one that was seen; what its rows mean by a file, an earlier import, or what is written."""
    sent = reader.sent
    if sent is None:
        return _Chosen(None, "", None)
    file = sent.files.get("file") or _seen_file(sent.get("name"), sent.get("content"))
    if file is None:
        form.wrong["/file"] = reader.t("Choose a file.")
    given = sent.files.get("mapping_file")
    if given is not None:
        text = given.content[: _MOST_MAPPING + 1].decode("utf-8-sig", "replace")
    else:
        text = await _earlier_text(reader, form, sent.get("as")) or sent.get("mapping") or ""
    sent.keep(mapping=text, **{"as": ""})
    if file is not None:
        sent.keep(name=file.name, content=base64.b64encode(file.content).decode())
    return _Chosen(file, text, None if "/mapping" in form.wrong else _mapping(reader, form, text, given))


def _seen_file(name: str | None, content: str | None) -> SentFile | None:
    try:
        return SentFile(name or "", base64.b64decode(content, validate=True)) if content else None
    except (binascii.Error, ValueError):
        return None


async def _earlier_text(reader: Reader, form: Form, id_: str | None) -> str:
    """What the rows of an earlier import mean, as it would be written; nothing where none is named."""
    if id_ is None:
        return ""
    try:
        mapping = (await reader.ask(f"/v1/imports/{quote(id_, safe='')}"))["data"]["mapping"]
    except AskedInVainError as refused:
        form.wrong["/mapping"] = str(refused.problem.get("detail") or refused.problem.get("title", ""))
        return ""
    return "" if mapping is None else yaml.safe_dump(mapping, sort_keys=False, allow_unicode=True, width=1000)


def _mapping(reader: Reader, form: Form, text: str, given: SentFile | None) -> Row | None:
    """What a mapping says; None where it is none, which stands in the form then."""
    if not text.strip():
        form.wrong["/mapping"] = reader.t("Choose what the rows mean.")
        return None
    if len(text) > _MOST_MAPPING:
        form.wrong["/mapping"] = reader.t("A mapping may have {limit} bytes at most.", limit=_MOST_MAPPING)
        return None
    try:
        found = yaml_of(Path("mapping" if given is None else given.name), text)
    except FileError as error:
        form.wrong["/mapping"] = str(error)
        return None
    if not isinstance(found, dict):
        form.wrong["/mapping"] = reader.t("This is not a mapping: it says file, source and fields, one to a line.")
        return None
    return found


def _digest(chosen: _Chosen, tried: Row) -> str:
    """Tells apart what is tried: the file and what its rows mean, and what became of each."""
    rows = [[row["state"], row["source"], row["id"], row["errors"]] for row in tried["rows"]]
    return f"{_of([tried['sha256'], chosen.file and chosen.file.name, chosen.mapping])}-{_of(rows)}"


def _of(said: Any) -> str:
    return hashlib.sha256(orjson.dumps(said, option=orjson.OPT_SORT_KEYS, default=str)).hexdigest()[:32]


def _is_seen(previewed: str, seen: str, tried: Row) -> bool:
    """Whether what is ordered was seen; a form that comes twice has been sent meanwhile, and its key says what came of that."""
    is_same_file = previewed.partition("-")[0] == seen.partition("-")[0]
    return previewed == seen or (is_same_file and not tried["counts"].get("accepted"))


def _summary(rows: Iterable[Row]) -> list[Row]:
    """Of each state how many rows there are, and what they add up to per currency."""
    found: dict[str, Row] = {state: {"state": state, "number": 0, "sums": {}} for state in _STATES}
    for row in rows:
        each = found[row["state"]]
        each["number"] += 1
        if row["amount"] is not None and row["currency"] is not None:
            each["sums"][row["currency"]] = each["sums"].get(row["currency"], Decimal(0)) + Decimal(row["amount"])
    return [{**each, "sums": {name: str(sum_) for name, sum_ in sorted(each["sums"].items())}} for each in found.values() if each["number"]]


def _first(reader: Reader, rows: list[Row]) -> Row:
    """The rows that are shown, those that are wrong first, and how many are not."""
    ordered = sorted(rows, key=lambda row: row["state"] != "wrong")
    return {"rows": _placed(reader, ordered[:MOST_SHOWN]), "more": max(len(ordered) - MOST_SHOWN, 0)}


def _placed(reader: Reader, rows: Iterable[Row]) -> list[Row]:
    """The rows with where each stands in the reader's words."""
    return [{**row, "place": _PLACES.sub(lambda found: reader.t(f"{found[1]} {{number}}", number=found[2]), row["place"])} for row in rows]


def _by_name(imports: Iterable[Row]) -> list[Row]:
    """The last import of each name of a file."""
    found: dict[str, Row] = {}
    for each in imports:
        found.setdefault(each["name"], each)
    return list(found.values())


async def one(reader: Reader) -> Row:
    """One import: whose it was, the file, and what became of each row."""
    found = (await reader.ask(f"/v1/imports/{quote(reader.parameter('id') or '-', safe='')}"))["data"]
    begin = _number(reader.parameter("from"))
    rows = found["rows"] or []
    return {
        "title": found["name"],
        "import_": found,
        "is_sent": reader.parameter("sent") is not None,
        "summary": _summary(rows),
        "rows": _placed(reader, rows[begin : begin + MOST_SHOWN]),
        "next_from": begin + MOST_SHOWN if len(rows) > begin + MOST_SHOWN else None,
        "on_their_way": any(row["became"] == "received" for row in rows),
        "mapping": None if found["mapping"] is None else yaml.safe_dump(found["mapping"], sort_keys=False, allow_unicode=True, width=1000),
    }


def _number(given: str | None) -> int:
    return int(given) if given is not None and given.isascii() and given.isdigit() and len(given) <= len("10000") else 0


async def file(reader: Reader) -> Response:
    """The file as it came."""
    id_ = quote(reader.parameter("id") or "-", safe="")
    name = (await reader.ask(f"/v1/imports/{id_}"))["data"]["name"]
    parts = await begun(reader.download(f"/v1/imports/{id_}/file", READ_WITHIN))
    headers = {"Content-Disposition": f"attachment; filename*=UTF-8''{quote(name, safe='')}"}
    return StreamingResponse(parts, media_type="application/octet-stream", headers=headers)
