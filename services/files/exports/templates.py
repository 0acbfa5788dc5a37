"""Vouchers in the form that another system imports, by a template of columns (deploy/exports): one file for a company.

Invariant: a voucher is never split over batches; a line that the form cannot hold (it has an amount in accounting currency alone) is
written apart, with its whole voucher, so that what is imported balances.
"""

from __future__ import annotations

import csv
import re
from contextlib import ExitStack
from datetime import date
from decimal import Context, Decimal
from typing import TYPE_CHECKING, Any, Final, Literal
from urllib.parse import quote

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from services.files.exports.columns import VOUCHERS
from services.files.exports.csv_file import safe
from services.scenarios.yaml_files import FileError, read_yaml

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from pathlib import Path

Row = dict[str, Any]

_NAME: Final = re.compile(r"\{([^{}]+)\}")
_COUNTED: Final = frozenset({"batch", "line_of_batch", "line_of_voucher"})
_FIGURES: Final = ("debit", "credit", "accounting_debit", "accounting_credit", "net", "rate_of_100")
KNOWN: Final = frozenset({column.name for column in VOUCHERS.columns} | _COUNTED | set(_FIGURES))
"""What a column may be made of: the columns of exported vouchers, what is counted, `net` (debit less credit) and `rate_of_100` (what 100
units of the transaction currency are in accounting currency, to 16 digits)."""
_AMOUNTS: Final = ("debit", "credit")
_RATE: Final = Context(prec=16)


class ErpColumn(BaseModel):
    """A column: text with names in braces; `values`: what each such text stands for; `of`: names, the first that is filled counts."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    text: str = ""
    of: tuple[str, ...] = ()
    values: dict[str, str] | None = None
    date: str | None = None
    is_blank_if_zero: bool = False
    only_first_of_voucher: bool = False

    @model_validator(mode="before")
    @classmethod
    def _short(cls, value: Any) -> Any:
        return {"text": value} if isinstance(value, str) else value

    @model_validator(mode="after")
    def _known(self) -> ErpColumn:
        unknown = sorted({*_NAME.findall(self.text), *self.of} - KNOWN)
        if unknown:
            msg = f"{unknown[0]} is not a column of vouchers: there are {', '.join(sorted(KNOWN))}"
            raise ValueError(msg)
        return self

    def cell(self, row: Row) -> str:
        """The cell of a line."""
        if self.only_first_of_voucher and row["line_of_voucher"] != "1":
            return ""
        said = next((row[name] for name in self.of if row[name]), "") if self.of else _NAME.sub(lambda name: row[name.group(1)], self.text)
        if self.date is not None and said:
            said = date.fromisoformat(said).strftime(self.date)
        if self.is_blank_if_zero and not Decimal(said or "0"):
            return ""
        return said if self.values is None else self.values.get(said, self.values.get("*", said))

    @property
    def is_amount(self) -> bool:
        """Whether it is a number, in which no sign makes a formula."""
        return self.text in {f"{{{name}}}" for name in _FIGURES}


class ErpTemplate(BaseModel):
    """The form of a system: its columns in their order, and how many lines a batch may have."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str = Field(pattern="^[a-z0-9-]+$")
    delimiter: str = Field(default=",", min_length=1, max_length=1)
    most_lines_of_batch: int = Field(default=1_000_000, ge=1)
    accounting_only: Literal["apart", "with"] = "apart"
    columns: dict[str, ErpColumn] = Field(min_length=1)


def read_template(path: Path) -> ErpTemplate:
    """The template of a file; FileError with the place of what is wrong."""
    try:
        return ErpTemplate.model_validate(read_yaml(path))
    except ValidationError as error:
        first = error.errors()[0]
        raise FileError(path, ".".join(map(str, first["loc"])), first["msg"].removeprefix("Value error, ")) from error


class _ErpFile:
    """A file that is being written: under another name until it is whole, and gone if it never is."""

    def __init__(self, path: Path, template: ErpTemplate, stack: ExitStack) -> None:
        self._template = template
        self._path = path
        self._unfinished = path.with_name(f"{path.name}.part")
        stack.callback(self._unfinished.unlink, missing_ok=True)
        self._file = stack.enter_context(self._unfinished.open("w", encoding="utf-8", newline=""))
        self._writer = csv.writer(self._file, delimiter=template.delimiter)
        self._writer.writerow(template.columns)
        self._batch, self._in_batch = 1, 0

    def finish(self) -> None:
        """Closes the file and gives it its name."""
        self._file.close()
        self._unfinished.replace(self._path)

    def write(self, lines: list[Row]) -> None:
        """Writes a voucher, in a batch that it fits into whole."""
        if self._in_batch and self._in_batch + len(lines) > self._template.most_lines_of_batch:
            self._batch, self._in_batch = self._batch + 1, 0
        for number, line in enumerate(lines, 1):
            self._in_batch += 1
            counted = {"batch": str(self._batch), "line_of_batch": str(self._in_batch), "line_of_voucher": str(number)}
            row = line | counted
            cells = [(column, column.cell(row)) for column in self._template.columns.values()]
            self._writer.writerow([cell if column.is_amount else safe(cell) for column, cell in cells])


async def write_erp_files(pages: AsyncIterator[list[Row]], template: ErpTemplate, folder: Path) -> list[Path]:
    """Writes the vouchers of pages of the API's list into a folder, a file for each company; gives the files.

    What the form cannot hold is in a second file, `…-apart.csv`, with the columns of exported vouchers.
    """
    plain = template.model_copy(update={"columns": {column.name: ErpColumn(text=f"{{{column.name}}}") for column in VOUCHERS.columns}})
    files: dict[Path, _ErpFile] = {}
    with ExitStack() as stack:
        async for page in pages:
            for voucher in page:
                lines = list(_lines(voucher))
                is_apart = template.accounting_only == "apart" and any(map(_is_accounting_only, lines))
                path = folder / f"{template.name}-{quote(str(voucher['company']), safe='')}{'-apart' if is_apart else ''}.csv"
                if path not in files:
                    files[path] = _ErpFile(path, plain if is_apart else template, stack)
                files[path].write(lines)
        for file in files.values():
            file.finish()
    return sorted(files)


def _lines(voucher: Row) -> Iterator[Row]:
    for row in VOUCHERS.rows(voucher):
        line = {column.name: "" if (value := column.value(row)) is None else str(value) for column in VOUCHERS.columns}
        net, accounting = (Decimal(line[f"{of}debit"] or "0") - Decimal(line[f"{of}credit"] or "0") for of in ("", "accounting_"))
        rate = format(_RATE.divide(accounting * 100, net).normalize(_RATE), "f") if net else ""
        yield line | {"net": format(net, "f"), "rate_of_100": rate}


def _is_accounting_only(line: Row) -> bool:
    return not any(Decimal(line[name] or "0") for name in _AMOUNTS)
