"""The mapping file: which type of event a file's rows are, and which column is which field.

Invariant: what is misspelt or missing is refused with its place in the mapping; delimiter, encoding, decimal sign and form of dates are
said, not guessed.
"""

from __future__ import annotations

import codecs
import re
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from services.scenarios.yaml_files import FileError
from shared.events.contract import CONTRACT
from shared.events.envelope import Topic

if TYPE_CHECKING:
    from pathlib import Path

TYPES: Final = sorted(name for name, entry in CONTRACT.items() if entry.inbound and entry.topic in {Topic.INVOICES, Topic.PAYMENTS})
"""The types of events that rows can be."""
COLUMN: Final = re.compile(r"\{([^{}]+)\}")
"""A column's name in a template."""
CellKind = Literal["text", "amount", "decimal", "date"]
_KINDS: Final[dict[str, CellKind]] = {
    "amount": "amount",
    "exchange_rate": "decimal",
    "date": "date",
    "due_date": "date",
    "document_date": "date",
}
_NO_ENCODINGS: Final = frozenset({"idna", "punycode", "raw-unicode-escape", "unicode-escape", "undefined"})
_MOST_FIELDS: Final = 100
_DATE_PARTS: Final = {"YYYY": "%Y", "YY": "%y", "MM": "%m", "DD": "%d"}


class _Said(BaseModel):
    """A part of a mapping file: what it does not know is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)


class FieldMapping(_Said):
    """Where the value of a field is from: a column, a template of columns in braces, or a constant; `values`: what a cell stands for."""

    column: str | None = Field(default=None, min_length=1)
    template: str | None = Field(default=None, min_length=1)
    constant: str | None = Field(default=None, min_length=1)
    values: dict[str, str] | None = None
    kind: CellKind | None = Field(default=None, alias="is")

    @model_validator(mode="before")
    @classmethod
    def _short(cls, value: Any) -> Any:
        """A text alone is a column."""
        return {"column": value} if isinstance(value, str) else value

    @model_validator(mode="after")
    def _one_of(self) -> FieldMapping:
        if sum(each is not None for each in (self.column, self.template, self.constant)) != 1:
            msg = "say one of column, template and constant"
            raise ValueError(msg)
        return self

    @property
    def columns(self) -> list[str]:
        """The columns that it is from."""
        return [self.column] if self.column is not None else COLUMN.findall(self.template or "")

    def kind_of(self, name: str) -> CellKind:
        """What it holds: as it says, else as the field of this name does."""
        return self.kind or (_KINDS.get(name, "text") if self.column is not None else "text")


class MarksMapping(_Said):
    """Which documents a payment settles: their numbers in a column, several apart by `separator`, and in whose books they are."""

    document: FieldMapping
    company: FieldMapping
    separator: str | None = Field(default=None, min_length=1)


class TableForm(_Said):
    """How a table is written: of CSV its delimiter and encoding; of a workbook the sheet; of both the row of the headings."""

    format: Literal["csv", "xlsx"]
    delimiter: Literal[",", ";", "|", "\t"] | None = None
    encoding: str | None = None
    sheet: str | None = None
    heading_row: int = Field(default=1, ge=1, le=1000)

    @model_validator(mode="after")
    def _stated(self) -> TableForm:
        if self.format == "csv" and (self.delimiter is None or self.encoding is None):
            msg = 'of CSV say delimiter and encoding, as {format: csv, delimiter: ";", encoding: utf-8}'
            raise ValueError(msg)
        if self.encoding is not None and not _is_encoding(self.encoding):
            msg = f"encoding: {self.encoding!r} is not an encoding of texts that is read, as utf-8, cp1252 and iso-8859-15 are"
            raise ValueError(msg)
        if self.format == "xlsx" and (self.delimiter or self.encoding):
            msg = "a workbook has neither delimiter nor encoding"
            raise ValueError(msg)
        return self


def _is_encoding(name: str) -> bool:
    """Whether it is an encoding of texts; some that Python has beside these take hours for what is made for it."""
    try:
        found = codecs.lookup(name)
        "".encode(name)
    except (LookupError, ValueError):
        return False
    return found.name not in _NO_ENCODINGS


class TableMapping(_Said):
    """A table whose rows are events of one type."""

    type: str
    source: str = Field(min_length=1, max_length=512)
    id: str = Field(min_length=1)
    file: TableForm
    decimal: Literal[".", ","] = "."
    thousands: Literal[".", ",", "'", " "] | None = None
    date: str = "YYYY-MM-DD"
    fields: dict[str, FieldMapping] = Field(min_length=1, max_length=_MOST_FIELDS)
    settle: MarksMapping | None = None

    @model_validator(mode="after")
    def _fits(self) -> TableMapping:
        if self.type not in TYPES:
            msg = f"type: {self.type!r} is not one of {', '.join(TYPES)}"
            raise ValueError(msg)
        if not COLUMN.search(self.id):
            msg = "id: name a column in braces, as {Reference}: an id is made of what the row says of itself"
            raise ValueError(msg)
        if self.thousands == self.decimal:
            msg = "thousands: the decimal sign cannot separate thousands too"
            raise ValueError(msg)
        if sorted(re.findall("[A-Z]+", self.date)) not in (["DD", "MM", "YY"], ["DD", "MM", "YYYY"]):
            msg = f"date: {self.date!r} is not a form of dates, as DD.MM.YYYY is"
            raise ValueError(msg)
        return self

    @property
    def date_format(self) -> str:
        """The form of dates as Python has it."""
        return re.sub("YYYY|YY|MM|DD", lambda part: _DATE_PARTS[part.group()], self.date)

    @property
    def columns(self) -> set[str]:
        """The columns that the table has to have."""
        marks = [] if self.settle is None else [self.settle.document, self.settle.company]
        return {*COLUMN.findall(self.id), *(column for each in (*self.fields.values(), *marks) for column in each.columns)}


class OwnAccount(_Said):
    """Whose bank account it is, and where its money is posted: an offset as in events, a posting type or main account."""

    company: str = Field(min_length=1)
    offset: str | None = Field(default=None, min_length=1)


class Remittance(_Said):
    """Which documents the words of a transfer name, in whose books: what looks like the pattern, in which `#` stands for digits.

    `INV-#` finds INV-17; a regular expression is none of it: one that is written without care takes hours.
    """

    company: str = Field(min_length=1)
    pattern: str | None = Field(default=None, min_length=1, max_length=100)

    @model_validator(mode="after")
    def _with_digits(self) -> Remittance:
        if self.pattern is not None and "#" not in self.pattern:
            msg = f"pattern: {self.pattern!r} has no #, which stands for digits, as in INV-#"
            raise ValueError(msg)
        return self

    def found_in(self, words: str) -> list[str]:
        """The numbers that the words have."""
        if self.pattern is None:
            return []
        parts = (re.escape(part) for part in re.split("#+", self.pattern))
        return re.findall(rf"(?<!\w){r'[0-9]{1,20}'.join(parts)}(?!\w)", words)


class Sides(_Said):
    """Who pays or is paid: IBANs or names, each with the account of that party; and which documents are settled."""

    parties: dict[str, str] = Field(min_length=1)
    settle: Remittance | None = None


class StatementMapping(_Said):
    """A bank statement: credits are payments of customers; debits payments to vendors only where that is said, else they are left out."""

    source: str = Field(min_length=1, max_length=512)
    file: Annotated[Literal["camt.053"], Field()]
    accounts: dict[str, OwnAccount] = Field(min_length=1)
    credits: Sides
    debits: Sides | None = None
    document: str = "{reference}"

    @model_validator(mode="after")
    def _named(self) -> StatementMapping:
        if "{reference}" not in self.document:
            msg = "document: {reference} has to stand in it, so that each payment has a number of its own"
            raise ValueError(msg)
        return self


Mapping = TableMapping | StatementMapping


def mapping_of(content: Any, path: Path) -> Mapping:
    """The mapping that is said; `path`: of whose file errors are. FileError."""
    if not isinstance(content, dict):
        raise FileError(path, "", "is not a mapping: it says file, source and fields")
    model = StatementMapping if content.get("file") == "camt.053" else TableMapping
    try:
        return model.model_validate(content)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"])
        raise FileError(path, place, _in_words(first["type"], first["msg"])) from error


def _in_words(kind: str, message: str) -> str:
    known = {"missing": "is missing", "extra_forbidden": "is not known here: see docs/files.md"}
    return known.get(kind, message.removeprefix("Value error, "))
