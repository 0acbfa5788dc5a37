"""What somebody's action was about, in words that lead there: its events, documents, settlement, refusal, or what it defined.

Invariant: pure; an id that nobody reads is shown only where it is the number that somebody gave.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from services.web.console.reader import url

if TYPE_CHECKING:
    from collections.abc import Iterator

    from services.web.console.reader import Reader

Row = dict[str, Any]

_MOST: Final = 3
_ON_COMPANIES: Final = frozenset({"company", "party", "period", "summary-accounts", "intercompany-accounting"})
"""What the page of the companies shows."""
_NAMED: Final = frozenset({"ledger", "scope"})


def targets(reader: Reader, action: Row) -> list[Row]:
    """Each thing that the action was about: its `text`, and its `address` where there is a page of it."""
    target = action["target"]
    if isinstance(target.get("file"), str):
        return [_at(target["file"], "/imports/import", id=action["id"])]
    events = [*([target["event"]] if isinstance(target.get("event"), dict) else []), *target.get("events", ())]
    found = [_at(each["id"], "/trace", event=each["id"], source=each["source"]) for each in events[:_MOST]]
    if len(events) > _MOST:
        found.append(_plain(reader.t("and {number} more", number=len(events) - _MOST)))
    found += _of_documents(target)
    if isinstance(target.get("refusal"), str) and len(target["refusal"]) > 1:
        found.append(_at(reader.name("refusal"), "/refused/event", id=target["refusal"]))
    found += [_of_key(reader, key) for key in ([target["key"]] if "key" in target else list(target.get("keys", ()))[:_MOST])]
    return [*found, *(_plain(reader.name(target[name])) for name in _NAMED if isinstance(target.get(name), str))]


def _of_documents(target: Row) -> Iterator[Row]:
    payment = target.get("payment")
    for names in (payment if isinstance(payment, dict) else {}, target):
        if isinstance(names.get("company"), str) and isinstance(names.get("document"), str):
            where = {name: names[name] for name in ("company", "document")}
            yield _at(f"{where['company']} {where['document']}", "/trace", **where)
    if isinstance(target.get("settlement"), str):
        yield _at(target["settlement"], "/trace", settlement=target["settlement"], source=target.get("settlement_source"))


def _of_key(reader: Reader, key: str) -> Row:
    kind, _, names = key.partition("/")
    text = f"{reader.name(kind)} {' '.join(each for each in names.split('/') if each)}"
    return _at(text, "/companies") if kind in _ON_COMPANIES else _plain(text)


def _at(text: str, path: str, **parameters: object) -> Row:
    return {"text": text, "address": url(path, **parameters)}


def _plain(text: str) -> Row:
    return {"text": text, "address": None}
