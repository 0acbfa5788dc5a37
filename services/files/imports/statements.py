"""Bank statements (camt.053, versions 02 to 08) as payments: credits of customers, and debits to vendors where the mapping says so.

Read by defusedxml: a document that defines entities or refers to others is refused.

Invariant: an entry whose account, party or amount is not clear is an error, never a guess; the id is the bank's own reference, else a
digest of the entry.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final
from xml.etree.ElementTree import ParseError, tostring

from defusedxml import DefusedXmlException, DTDForbidden
from defusedxml.ElementTree import fromstring

from services.files.imports.bounds import OF_THE_COMMAND, check_xml
from services.files.imports.events import FileRow, Making, RowError, refuse_conflicts
from services.files.imports.tables import too_many_rows
from services.scenarios.yaml_files import FileError
from shared.events.values import shown

if TYPE_CHECKING:
    from pathlib import Path
    from xml.etree.ElementTree import Element

    from services.files.imports.bounds import Bounds
    from services.files.imports.mapping import OwnAccount, Remittance, Sides, StatementMapping

_NAMESPACE: Final = re.compile(r"\{(urn:iso:std:iso:20022:tech:xsd:camt\.053\.001\.0[2-8])\}Document")
_IS_CREDIT: Final = {"CRDT": True, "DBIT": False}
_BOOKED: Final = "BOOK"
_AMOUNT: Final = re.compile(r"[0-9]{1,18}(\.[0-9]{1,5})?", re.ASCII)
"""As the standard has amounts: without an exponent, which would make a few characters a number of any length."""


@dataclass(frozen=True, slots=True)
class _Transfer:
    """One payment of an entry: the entry, its own details where the bank gives them, and how many there are of them."""

    entry: Element
    details: Element | None
    of: int


class _Statement:
    """A document of one version, whose elements are found by their short names."""

    def __init__(self, namespace: str) -> None:
        self._names = {"c": namespace}

    def all(self, of: Element, path: str) -> list[Element]:
        """The elements at a path."""
        return of.findall("/".join(f"c:{name}" for name in path.split("/")), self._names)

    def text(self, of: Element | None, *paths: str) -> str | None:
        """The text at the first of these paths that has one."""
        if of is not None:
            for found in (each for path in paths for each in self.all(of, path)):
                if found.text and found.text.strip():
                    return found.text.strip()
        return None


def statement_events(
    path: Path, content: bytes, mapping: StatementMapping, making: Making, bounds: Bounds = OF_THE_COMMAND
) -> list[FileRow]:
    """The entries of a file as events, in their order; FileError for what is not a bank statement of a version that is read."""
    try:
        check_xml(path, content, bounds)
        root = fromstring(content, forbid_dtd=True)
    except DTDForbidden as error:
        raise FileError(path, "", "has a document type (DOCTYPE): XML with one is never read") from error
    except (ParseError, DefusedXmlException, ValueError) as error:
        raise FileError(path, "", f"cannot be read as XML, which camt.053 is: {error}") from error
    known = _NAMESPACE.fullmatch(root.tag)
    if known is None:
        raise FileError(path, "", f"is not camt.053.001.02 to .08: it begins with {root.tag}")
    statement = _Statement(known.group(1))
    entries = [(each, entry) for each in statement.all(root, "BkToCstmrStmt/Stmt") for entry in statement.all(each, "Ntry")]
    found: list[FileRow] = []
    for number, (of, entry) in enumerate(entries, 1):
        iban = statement.text(of, "Acct/Id/IBAN", "Acct/Id/Othr/Id")
        details = statement.all(entry, "NtryDtls/TxDtls")
        for place, each in enumerate(details or [None], 1):
            row = FileRow(f"entry {number}, transfer {place}" if len(details) > 1 else f"entry {number}")
            row.company = mapping.accounts[iban].company if iban in mapping.accounts else None
            _TransferReader(statement, mapping, iban, _Transfer(entry, each, len(details)), row).make(making)
            found.append(row)
            if len(found) > bounds.rows:
                raise too_many_rows(path, bounds)
    refuse_conflicts(found)
    return found


class _TransferReader:
    """Reads one transfer."""

    def __init__(self, statement: _Statement, mapping: StatementMapping, iban: str | None, transfer: _Transfer, row: FileRow) -> None:
        self._statement = statement
        self._mapping = mapping
        self._iban = iban
        self._transfer = transfer
        self._row = row

    def make(self, making: Making) -> None:
        """Makes the row the transfer's event, or notes all that is wrong with it; what is not a payment is left out."""
        entry, found = self._transfer.entry, self._row
        credit = _IS_CREDIT.get(self._of("CdtDbtInd") or "")
        status = self._statement.text(entry, "Sts/Cd", "Sts")
        sides = self._mapping.credits if credit else self._mapping.debits
        if status != _BOOKED or (credit is False and sides is None):
            found.is_left_out = True
            return
        if credit is None or sides is None:
            self._wrong("CdtDbtInd", "says neither CRDT nor DBIT")
            return
        if self._statement.text(entry, "RvslInd") == "true":
            self._wrong("RvslInd", "the entry takes back another one: reverse its payment by a payment-reversal.requested")
            return
        own = self._own()
        amount, currency = self._amount()
        account = self._party(sides, "Dbtr" if credit else "Cdtr")
        if own is not None and account is not None and not found.errors:
            data = self._data(own, account, {"amount": amount, "currency": currency}, sides)
            columns = {"date": "BookgDt", "amount": "Amt", "currency": "Amt"}
            type_ = "customer-payment.posted" if credit else "vendor-payment.posted"
            making.event(found, str(data["reference"]), self._mapping.source, type_, data, columns)

    def _data(self, own: OwnAccount, account: str, amount: dict[str, Any], sides: Sides) -> dict[str, Any]:
        reference = self._reference()
        data = {
            "company": own.company,
            "account": account,
            "document": self._mapping.document.replace("{reference}", reference),
            "date": (self._statement.text(self._transfer.entry, "BookgDt/Dt", "BookgDt/DtTm") or "")[:10],
            **amount,
            **({} if own.offset is None else {"offset": own.offset}),
            "reference": reference,
        }
        marks = [] if sides.settle is None else self._marks(sides.settle)
        return data | ({"settle": marks} if marks else {})

    def _of(self, *paths: str) -> str | None:
        """What the transfer's details say, else its entry."""
        found = self._statement.text(self._transfer.details, *paths)
        return found or self._statement.text(self._transfer.entry, *paths)

    def _own(self) -> OwnAccount | None:
        found = self._mapping.accounts.get(self._iban or "")
        if found is None:
            self._wrong("Acct", f"{shown(self._iban or '')} is not among the accounts of the mapping")
        return found

    def _amount(self) -> tuple[str, str]:
        """The transfer's amount and currency: of one among several its own, which the bank has to say."""
        details = [] if self._transfer.details is None else [self._transfer.details]
        own = [each for of in details for path in ("Amt", "AmtDtls/TxAmt/Amt") for each in self._statement.all(of, path)]
        if not own and self._transfer.of > 1:
            self._wrong("TxDtls", "the entry is of several transfers, and this one has no amount of its own")
            return "", ""
        element = next(iter(own if self._transfer.of > 1 else self._statement.all(self._transfer.entry, "Amt")), None)
        amount = "" if element is None else (element.text or "").strip()
        if element is None or not _AMOUNT.fullmatch(amount):
            self._wrong("Amt", "is not an amount")
            return "", ""
        return amount, element.get("Ccy", "")

    def _party(self, sides: Sides, who: str) -> str | None:
        """The account of who pays, or is paid: by the IBAN, else by the name."""
        iban = self._of(f"RltdPties/{who}Acct/Id/IBAN", f"RltdPties/{who}Acct/Id/Othr/Id")
        name = self._of(f"RltdPties/{who}/Pty/Nm", f"RltdPties/{who}/Nm")
        for key in (iban, name):
            if key is not None and key in sides.parties:
                return sides.parties[key]
        said = " of ".join(shown(each) for each in (iban, name) if each) or "nobody"
        self._wrong(who, f"{said} is not among the parties of the mapping")
        return None

    def _marks(self, settle: Remittance) -> list[dict[str, str]]:
        """The documents that the structured references name; without one what the pattern finds in the words."""
        of = self._transfer.details if self._transfer.details is not None else self._transfer.entry
        paths = ("RmtInf/Strd/RfrdDocInf/Nb", "RmtInf/Strd/CdtrRefInf/Ref")
        named = [each.text.strip() for path in paths for each in self._statement.all(of, path) if each.text and each.text.strip()]
        named = named or settle.found_in(" ".join(each.text or "" for each in self._statement.all(of, "RmtInf/Ustrd")))
        return [{"company": settle.company, "document": number} for number in dict.fromkeys(named) if number]

    def _reference(self) -> str:
        """The bank's own reference of the transfer, or of its entry where it is the only one; else a digest of what the bank says."""
        own = self._statement.text(self._transfer.details, "Refs/AcctSvcrRef")
        of_entry = self._statement.text(self._transfer.entry, "AcctSvcrRef") if self._transfer.of <= 1 else None
        if own or of_entry:
            return own or of_entry or ""
        parts = [each for each in (self._transfer.entry, self._transfer.details) if each is not None]
        said = (self._iban or "").encode() + b"".join(" ".join(tostring(each, "unicode").split()).encode() for each in parts)
        return hashlib.sha256(said).hexdigest()[:24]

    def _wrong(self, column: str, message: str) -> None:
        self._row.errors.append(RowError(column, message))
