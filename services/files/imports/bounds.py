"""How much of a file is read: rows, bytes, and elements of XML, so that no file, however it is made, takes more memory than is meant.

A few bytes can say a great deal: a packed workbook, an element of four characters that becomes an object of hundreds of bytes, an entity
that repeats others.

Invariant: what is larger is refused before anything is made of it; XML that defines entities or has a document type is refused too.
"""

from __future__ import annotations

import io
import zipfile
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from defusedxml.ElementTree import DefusedXMLParser

from services.scenarios.yaml_files import FileError

if TYPE_CHECKING:
    from pathlib import Path
    from typing import IO

_CHUNK: Final = 64 * 1024
_XML: Final = (".xml", ".rels", ".vml")
"""What the parts of a workbook are called that are XML."""
_FORMULA: Final = "}f"


@dataclass(frozen=True, slots=True)
class Bounds:
    """The most rows of a file, bytes of it, bytes of a workbook once it is unpacked, and elements of XML; `hint`: what to do about it."""

    rows: int
    size: int
    unpacked: int
    elements: int
    hint: str = "send it in parts"


OF_THE_COMMAND: Final = Bounds(50_000, 16_000_000, 64_000_000, 4_000_000)
OF_A_REQUEST: Final = Bounds(2_000, 3_000_000, 16_000_000, 300_000, "send it in parts, or by the command `intercompany import`")
"""What the console and `POST /v1/imports` take: measured so that reading it takes tens of MB at most (docs/files.md)."""


def check_size(path: Path, content: bytes, bounds: Bounds) -> None:
    """FileError for a file that is too large to be read, and kept."""
    if len(content) > bounds.size:
        raise FileError(path, "", f"has {len(content):,} bytes: {bounds.size:,} are taken; {bounds.hint}")


def check_workbook(path: Path, content: bytes, bounds: Bounds) -> bool:
    """Whether a workbook has formulas; FileError for one that is too large once it is unpacked, or has more elements than are read."""
    with zipfile.ZipFile(io.BytesIO(content)) as packed:
        parts = packed.infolist()
        unpacked = sum(part.file_size for part in parts)
        if unpacked > bounds.unpacked:
            raise FileError(path, "", f"is too large once it is unpacked: {unpacked:,} bytes, {bounds.unpacked:,} are taken; {bounds.hint}")
        counter = _Counter()
        for part in parts:
            if part.filename.lower().endswith(_XML):
                with packed.open(part) as xml:
                    _count(path, xml, counter, bounds)
    return counter.has_formulas


def check_xml(path: Path, content: bytes, bounds: Bounds) -> None:
    """FileError for XML of more elements than are read; whatever the parser raises for what is not XML, or has a document type."""
    _count(path, io.BytesIO(content), _Counter(), bounds)


class _Counter:
    """Takes what a parser finds, and keeps nothing but how many elements and attributes there were, and whether one is a formula."""

    def __init__(self) -> None:
        self.number = 0
        self.has_formulas = False

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        """An element begins: its attributes become objects too."""
        self.number += 1 + len(attributes)
        self.has_formulas = self.has_formulas or tag.endswith(_FORMULA)

    def close(self) -> None:
        """A document has ended."""


def _count(path: Path, xml: IO[bytes], counter: _Counter, bounds: Bounds) -> None:
    """Counts the elements and attributes; FileError once there are more than are read."""
    parser = DefusedXMLParser(target=counter, forbid_dtd=True)
    while chunk := xml.read(_CHUNK):
        parser.feed(chunk)
        if counter.number > bounds.elements:
            raise FileError(path, "", f"has more than {bounds.elements:,} elements and attributes; {bounds.hint}")
    parser.close()
