"""What makes tampering with a voucher evident: its content in one written form, and the digest that ties it to others.

The vouchers of a company and series are a chain: the digest of each covers its own content, the digest of the one before it, and the
contents of its sisters, the vouchers of the same settlement record in other companies. The form is described in docs/events.md, so
that whoever has only `voucher.posted` comes to the same digests.

Invariant: equal values have one content, different values another one; nothing that is not posted is part of it. A form that has been
published never changes: what is added to a voucher later gets a form of another name.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping
from hashlib import sha256
from typing import Final, NamedTuple

import msgspec

from services.posting.rules.numbers import VoucherKey
from shared.events.vouchers import Voucher, VoucherLine

FORM: Final = "intercompany.voucher.v1"
"""The name of the form, the first value of every content."""
NOTHING_BEFORE: Final = bytes(32)
"""What stands for the digest before the first of a chain."""

_WRITER: Final = msgspec.json.Encoder(decimal_format="string", order="deterministic")


class Numbered(NamedTuple):
    """A voucher with its number, not in the chain yet. `lines` is the written form of its lines, `record` what its sisters share."""

    key: VoucherKey
    voucher: Voucher
    lines: bytes
    content: bytes
    record: Hashable


def lines_content(lines: Iterable[VoucherLine]) -> bytes:
    """The written form of a voucher's lines: a JSON array of arrays; amounts stand on the line's side alone, null on the other."""
    written = []
    for line in lines:
        debit = credit = accounting_debit = accounting_credit = None
        if line.debit or line.accounting_debit:  # a gain's lines are 0.00 in the document's currency
            debit, accounting_debit = line.debit, line.accounting_debit
        else:
            credit, accounting_credit = line.credit, line.accounting_credit
        place = (line.posting_type, line.account, line.partner, line.party, line.party_account, line.settles, line.currency)
        sides = (debit, credit, accounting_debit, accounting_credit)
        written.append((*place, *sides, line.dimensions or None, line.text, line.rule))
    return _WRITER.encode(written)


def content_digest(voucher: Voucher, lines: bytes) -> bytes:
    """SHA-256 of a voucher's content; `lines` is the written form of its lines."""
    run = voucher.settlement
    named = (voucher.company, voucher.series, voucher.number, voucher.accounting_currency)
    about = (voucher.ledger, voucher.kind, voucher.date, voucher.document)
    caused = (None, None) if run is None else (run.source, run.id)
    content = (FORM, *named, *about, *caused, voucher.record, voucher.reference, msgspec.Raw(lines))
    return sha256(_WRITER.encode(content)).digest()


def content_of(voucher: Voucher) -> bytes:
    """SHA-256 of a voucher's content, from its values alone."""
    return content_digest(voucher, lines_content(voucher.lines))


def chained(previous: bytes, content: bytes, sisters: Mapping[str, bytes]) -> bytes:
    """The digest of a voucher: of the digest before it, its own content, and its sisters' contents by their companies."""
    if not sisters:
        return sha256(previous + content).digest()
    return sha256(
        b"".join((previous, content, *(b"%b\0%b" % (company.encode(), sisters[company]) for company in sorted(sisters))))
    ).digest()


def sisters_of(numbered: list[Numbered]) -> list[dict[str, bytes]]:
    """Of each voucher that one message makes the contents of its sisters, by their companies."""
    if len(numbered) == 1:
        return [{}]
    records: dict[Hashable, list[Numbered]] = {}
    for each in numbered:
        records.setdefault(each.record, []).append(each)
    return [{sister.key.company: sister.content for sister in records[each.record] if sister is not each} for each in numbered]
