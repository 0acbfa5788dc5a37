"""What makes tampering with a voucher evident: its content in one written form, and the digest that ties it to others.

The vouchers of a company and series are a chain: the digest of each covers its own content, the digest of the one before it, and the
contents of its sisters, the vouchers of the same settlement record in other companies. The form is described in docs/events.md, so
that whoever has only `voucher.posted` comes to the same digests.

Invariant: equal values have one content, different values another one; nothing that is not posted is part of it. A form that has been
published never changes: what is added to a voucher later gets a form of another name.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from hashlib import sha256
from typing import Any, Final

import msgspec

from services.posting.rules.numbers import VoucherKey
from shared.events.vouchers import Voucher, VoucherLine

FORM: Final = "intercompany.voucher.v1"
"""The name of the form, the first value of every content."""
NOTHING_BEFORE: Final = bytes(32)
"""What stands for the digest before the first of a chain."""

_PAIR: Final = 2
_WRITER: Final = msgspec.json.Encoder(decimal_format="string", order="deterministic")


Numbered = tuple[VoucherKey, Voucher, bytes, bytes, Hashable]
"""A voucher with its number, not in the chain yet: its key, itself, its lines as they are written, the digest of its content, and what its
sisters share with it."""


WrittenLine = tuple[Any, ...]
"""A line as it is written: the fields of VoucherLine in their order; null on the side that it is not on, and for no dimensions."""


def written_line(line: VoucherLine) -> WrittenLine:
    """The written form of a line; VoucherDraft.line writes the same."""
    debit = credit = accounting_debit = accounting_credit = None
    if line.debit or line.accounting_debit:  # a gain's lines are 0.00 in the document's currency
        debit, accounting_debit = line.debit, line.accounting_debit
    else:
        credit, accounting_credit = line.credit, line.accounting_credit
    place = (line.posting_type, line.account, line.partner, line.party, line.party_account, line.settles, line.currency)
    return (*place, debit, credit, accounting_debit, accounting_credit, line.dimensions or None, line.text, line.rule)


def lines_content(lines: list[WrittenLine]) -> bytes:
    """The written form of a voucher's lines, a JSON array of theirs."""
    return _WRITER.encode(lines)


def about(voucher: Voucher) -> tuple[Any, ...]:
    """What a voucher says beside its number and its lines, in the order in which it is written and stored."""
    run = voucher.settlement
    caused = (None, None) if run is None else (run.source, run.id)
    return (voucher.ledger, voucher.kind, voucher.date, voucher.document, *caused, voucher.record, voucher.reference)


def content_digest(voucher: Voucher, lines: bytes) -> bytes:
    """SHA-256 of a voucher's content; `lines` is the written form of its lines."""
    content = (FORM, voucher.company, voucher.series, voucher.number, voucher.accounting_currency, *about(voucher), msgspec.Raw(lines))
    return sha256(_WRITER.encode(content)).digest()


def content_of(voucher: Voucher) -> bytes:
    """SHA-256 of a voucher's content, from its values alone."""
    return content_digest(voucher, lines_content(list(map(written_line, voucher.lines))))


def chained(previous: bytes, content: bytes, sisters: Mapping[str, bytes]) -> bytes:
    """The digest of a voucher: of the digest before it, its own content, and its sisters' contents by their companies."""
    covered = previous + content
    for company in sorted(sisters) if len(sisters) > 1 else sisters:
        covered += company.encode() + b"\0" + sisters[company]
    return sha256(covered).digest()


def sisters_of(numbered: list[Numbered]) -> list[dict[str, bytes]]:
    """Of each voucher that one message makes the contents of its sisters, by their companies."""
    if len(numbered) == 1:
        return [{}]
    if len(numbered) == _PAIR:  # nearly always: a record across companies
        (one, _, _, of_one, record), (other, _, _, of_other, also) = numbered
        return [{other.company: of_other}, {one.company: of_one}] if record == also else [{}, {}]
    records: dict[Hashable, dict[str, bytes]] = {}
    for key, _, _, content, record in numbered:
        records.setdefault(record, {})[key.company] = content
    return [
        {company: content for company, content in records[record].items() if company != key.company} for key, _, _, _, record in numbered
    ]
