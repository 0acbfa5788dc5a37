"""A walk along the chains of vouchers, each company's series in the order of its numbers: what is not as it was posted. Pure.

Invariant: every value that is posted, every predecessor and every sister is looked at; what is found names the voucher. What a digest
alone cannot tell apart (a voucher changed, or the one before it replaced together with its digest) is said to be one or the other.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, NamedTuple

from services.posting.rules.chain import NOTHING_BEFORE, chained
from shared.events.vouchers import voucher_number

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from services.posting.rules.numbers import LastVoucher
    from services.posting.stored_pages import StoredVoucher
    from shared.events.vouchers import Voucher

CHANGED: Final = "changed"
MISSING: Final = "missing"
ADDED: Final = "added"
OUT_OF_ORDER: Final = "out of order"
SISTER_DIFFERS: Final = "sister differs"
REWRITTEN: Final = "rewritten"

MOST_NAMED: Final = 100
"""Findings that are named; further ones are counted."""
AROUND: Final = 50
"""Numbers before and after a voucher that does not fit, among which its place is sought."""

Series = tuple[str, str]
"""A company and its series."""


class Finding(NamedTuple):
    """What is not as it was posted: the voucher, what is wrong with it, and that in words."""

    company: str
    voucher: str
    problem: str
    message: str


@dataclass(frozen=True, slots=True)
class Head:
    """The last voucher of a chain as it was written down: its digest in hexadecimal, and when that was."""

    company: str
    series: str
    number: int
    digest: str
    at: str


class Sister(NamedTuple):
    """What stands in the books as a sister of a voucher: its company and number, and the digest of its content as it is now.

    `says_of_us` is what it was posted with: the digest of the content that our voucher had, in hexadecimal.
    """

    company: str
    voucher: str
    content: bytes
    says_of_us: str | None


@dataclass(slots=True)
class _Place:
    """Where the walk is in a series."""

    number: int = 0
    digest: bytes | None = None
    has_begun: bool = False
    is_known: bool = True
    """Whether the voucher before is there and has a digest, so that the next one can be held to it."""


class Suspect(NamedTuple):
    """A voucher whose digest does not follow from its content, its predecessor and its sisters."""

    stored: StoredVoucher
    sisters: Sequence[Sister]


@dataclass(slots=True)
class ChainWalk:
    """`lasts`: the last voucher of each series as posting keeps it, read before; `heads`: what was written down elsewhere.

    `suspects` are to be judged with the digests around them, and emptied, while the page is at hand: `judge`.
    """

    lasts: Mapping[Series, LastVoucher]
    heads: Iterable[Head] = ()
    findings: list[Finding] = field(default_factory=list)
    found: Counter[str] = field(default_factory=Counter)
    suspects: list[Suspect] = field(default_factory=list)
    checked: int = 0
    before: Counter[Series] = field(default_factory=Counter)
    """Vouchers that stand before the chain of their series."""
    ends: dict[Series, tuple[int, str | None]] = field(default_factory=dict)
    """The last number and digest seen of each series."""
    _places: dict[Series, _Place] = field(default_factory=dict)
    _written_down: dict[tuple[str, str, int], list[Head]] = field(default_factory=dict)
    _kept: dict[Series, Head] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Puts what was written down where it is looked for."""
        for head in self.heads:
            self._written_down.setdefault((head.company, head.series, head.number), []).append(head)

    def find(self, company: str, voucher: str, problem: str, message: str) -> None:
        """Notes something that is wrong."""
        self.found[problem] += 1
        if len(self.findings) < MOST_NAMED:
            self.findings.append(Finding(company, voucher, problem, message))

    @property
    def holds(self) -> bool:
        """Whether nothing was found."""
        return not self.found

    # Along a series

    def take(self, stored: StoredVoucher, sisters: Sequence[Sister]) -> None:
        """The next voucher with what stands there as its sisters; they come in the order of companies, series and numbers."""
        voucher = stored.voucher
        series = (voucher.company, voucher.series)
        place = self._places.setdefault(series, _Place())
        self._gap(voucher.company, voucher.series, place.number + 1, voucher.number - 1)
        place.is_known = place.is_known and voucher.number == place.number + 1
        if voucher.digest is None:
            self._without_digest(voucher, place)
        else:
            self._with_digest(stored, voucher.digest, place, sisters)
            self._held_to_sisters(voucher, sisters)
        place.number = voucher.number
        self.ends[series] = (voucher.number, voucher.digest)
        self._held_to_what_was_written_down(voucher)

    def _gap(self, company: str, series: str, first: int, last: int) -> None:
        if first > last:
            return
        names = voucher_number(series, first) if first == last else f"{voucher_number(series, first)} to {voucher_number(series, last)}"
        self.find(company, voucher_number(series, first), MISSING, f"{names} should be here and {'is' if first == last else 'are'} not")

    def _without_digest(self, voucher: Voucher, place: _Place) -> None:
        if place.has_begun:
            message = "it has no digest though the chain of its series has begun: it was put in, or its digest was taken out"
            self.find(voucher.company, voucher.voucher, ADDED, message)
            place.is_known = False
        else:
            self.before[voucher.company, voucher.series] += 1
        place.digest = None

    def _with_digest(self, stored: StoredVoucher, digest: str, place: _Place, sisters: Sequence[Sister]) -> None:
        self.checked += 1
        is_held = place.is_known  # else what is missing was found, and nobody can say what this one followed
        if is_held and chained(place.digest or NOTHING_BEFORE, stored.content(), _contents(stored.voucher)).hex() != digest:
            self.suspects.append(Suspect(stored, sisters))
        place.digest, place.has_begun, place.is_known = _bytes(digest), True, True

    def _held_to_what_was_written_down(self, voucher: Voucher) -> None:
        series = (voucher.company, voucher.series)
        for head in self._written_down.pop((*series, voucher.number), ()):
            if head.digest == voucher.digest:
                self._kept[series] = head
                continue
            since = self._kept.get(series)
            message = f"its digest is not the one written down on {head.at}: it, or one before it, was rewritten together with its digest"
            if since is not None:
                message += f"; {voucher_number(since.series, since.number)} is as it was written down"
            self.find(voucher.company, voucher.voucher, REWRITTEN, message)
        last = self.lasts.get(series)
        if last is not None and last.number == voucher.number and last.digest is not None and last.digest.hex() != voucher.digest:
            message = "posting keeps another digest of the last voucher of this series, from which it continues"
            self.find(voucher.company, voucher.voucher, REWRITTEN, message)

    # Sisters

    def _held_to_sisters(self, voucher: Voucher, sisters: Iterable[Sister]) -> None:
        posted_with = dict(voucher.sister_contents)
        for sister in sisters:
            content = posted_with.pop(sister.company, None)
            if content is None:
                message = f"{sister.voucher} of {sister.company} stands there as its sister and was not posted with it"
                self.find(voucher.company, voucher.voucher, SISTER_DIFFERS, message)
            elif sister.content.hex() != content:
                message = f"its sister {sister.voucher} of {sister.company} is not what it was when both were posted"
                self.find(voucher.company, voucher.voucher, SISTER_DIFFERS, message)
        for company in posted_with:
            message = f"its sister in {company}, the voucher of the same settlement record there, is missing"
            self.find(voucher.company, voucher.voucher, SISTER_DIFFERS, message)

    def told(self, voucher: Voucher, digest: str | None) -> None:
        """Holds a voucher to the digest that the read side was told when it was posted."""
        if digest is not None and digest != voucher.digest:
            message = "its digest is not the one that the read side was told: it, or a voucher before it, was rewritten with its digest"
            self.find(voucher.company, voucher.voucher, REWRITTEN, message)

    # What does not fit

    def judge(self, suspect: Suspect, around: Sequence[tuple[int, str | None]]) -> None:
        """Says of a suspect what is wrong; `around`: numbers and digests of the vouchers about it."""
        voucher = suspect.stored.voucher
        before = voucher_number(voucher.series, voucher.number - 1)
        was = original_number(suspect.stored, around)
        said = {sister.says_of_us for sister in suspect.sisters} - {None}
        if was is not None and was != voucher.number:
            problem, message = OUT_OF_ORDER, f"it was posted as {voucher_number(voucher.series, was)}"
        elif was is not None or said == {suspect.stored.content().hex()}:
            problem = OUT_OF_ORDER
            message = f"it is as it was posted, but not after {before}, which was put in there or replaced together with its digest"
        elif said or voucher.number == 1:
            problem, message = CHANGED, "it is not as it was posted"
        else:
            problem, message = CHANGED, f"it is not as it was posted, or {before} was replaced together with its digest"
        self.find(voucher.company, voucher.voucher, problem, message)

    # The end

    def end(self, lasts: Mapping[Series, LastVoucher]) -> None:
        """What should have come and did not; `lasts`: the last vouchers as posting keeps them now, after the walk."""
        for (company, series), last in sorted(self.lasts.items()):
            number, _ = self.ends.get((company, series), (0, None))
            self._gap(company, series, number + 1, last.number)
        for (company, series), (number, _) in sorted(self.ends.items()):
            given = lasts[company, series].number if (company, series) in lasts else 0
            if number > given:
                message = f"the last number that posting has given in this series is {given}"
                self.find(company, voucher_number(series, number), ADDED, message)
        for heads in list(self._written_down.values()):
            for head in heads:
                message = f"its digest was written down on {head.at}, and it is not there"
                self.find(head.company, voucher_number(head.series, head.number), MISSING, message)

    def as_heads(self, at: str) -> list[Head]:
        """The ends of all chains, to be written down."""
        return [Head(*series, number, digest, at) for series, (number, digest) in sorted(self.ends.items()) if digest is not None]


def original_number(stored: StoredVoucher, around: Sequence[tuple[int, str | None]]) -> int | None:
    """The number that a voucher was posted under, where its digest follows from one of those around it; None where from none."""
    number, contents = stored.voucher.number, _contents(stored.voucher)
    renumbered = [(each, stored.content(each)) for each in range(max(1, number - AROUND), number + AROUND + 1)]
    for previous in (NOTHING_BEFORE, *(_bytes(digest) for _, digest in around if digest is not None)):
        for each, content in renumbered:
            if chained(previous, content, contents).hex() == stored.voucher.digest:
                return each
    return None


def _contents(voucher: Voucher) -> dict[str, bytes]:
    return {company: _bytes(content) for company, content in voucher.sister_contents.items()}


def _bytes(digest: str) -> bytes:
    """A digest as it is stored; what is none, which nobody here has written, as itself, so that nothing follows from it."""
    try:
        return bytes.fromhex(digest)
    except ValueError:
        return digest.encode()
