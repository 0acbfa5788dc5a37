"""What a computed run changes: its records are written, its documents lose what they gave, the settlement is said."""

from __future__ import annotations

from services.settlement.rules.run.records import Recorded
from services.settlement.rules.run.state import Run
from services.settlement.rules.turn import Turn
from services.settlement.rules.values import RecordInForce, SettlementDefectError, applied_amounts
from shared.events.envelope import EventRef
from shared.events.settlements import SettledDocument, SettlementPosted
from shared.events.values import Ledger
from shared.money import ZERO


def next_number(turn: Turn, run: EventRef, ledger: Ledger) -> int:
    """The next number of a record of this run in this ledger."""
    return 1 + max((record.number for record in turn.books.records.find("run", (run, ledger))), default=0)


def flag_held_back(turn: Turn, run: Run) -> None:
    """What automatic settlement leaves out from now on: what a mark held back, and the payment that marked it."""
    claims = [*run.raising, *run.lowering]
    for entry in claims:
        held = entry.held or (entry.document is run.payment and any(other.held for other in claims))
        if held != entry.document.manual_only or entry.document.marks_refused:
            document = entry.document._replace(manual_only=held, marks_refused=False)
            turn.books.documents.put(document.key, document)


def carry_out(turn: Turn, run: Run, ref: EventRef, documents: list[SettledDocument], recorded: list[Recorded]) -> None:
    """Writes the records of a run, takes what they take from the documents, and says the settlement."""
    if not recorded:
        return
    records = [_in_force(run, ref, entry) for entry in recorded]
    for record in records:
        turn.books.records.put(record.key, record)
    for key, applied in applied_amounts(records).items():
        document = turn.books.documents.get(key)
        if document is None:
            msg = f"{key.ledger} {key.company} {key.document} is settled and is not in the books"
            raise SettlementDefectError(msg)
        turn.books.documents.put(key, document.apply(*applied))
    places = {(document.company, document.document): place for place, document in enumerate(documents)}
    primary = run.primary.document if run.primary is not None else None
    party = recorded[0].pair.lowering.document.party
    answer = _asks_for_sales_payments(run, recorded)
    place = places.get((primary.company, primary.document)) if primary is not None else None
    settlement = SettlementPosted(run.ledger, ref, party, place, documents, [entry.record for entry in recorded], answer)
    turn.emit("settlement.posted", f"{run.ledger}/{recorded[0].record.number}", party, settlement)
    if answer:
        turn.await_replies(ref)


def _asks_for_sales_payments(run: Run, recorded: list[Recorded]) -> bool:
    """Whether a vendor payment of the run has paid an invoice of a group company (F-G03)."""
    if run.ledger != "payable":
        return False
    paid = any(entry.pair.raising.document.intercompany_company for entry in recorded if not entry.pair.enlarges)
    return paid and any(claim.is_payment for entry in recorded for claim in (entry.pair.lowering, entry.pair.raising))


def _in_force(run: Run, ref: EventRef, entry: Recorded) -> RecordInForce:
    record, pair = entry.record, entry.pair
    penny = (pair.left if pair.left_is_penny else ZERO) + (pair.lacking if pair.lacking_is_penny else ZERO)
    return RecordInForce(
        run=ref,
        ledger=run.ledger,
        number=record.number,
        date=record.date,
        lowering=pair.lowering.document.key,
        raising=pair.raising.document.key,
        enlarges=pair.enlarges,
        taken_from_lowering=entry.taken.from_lowering,
        accounting_amount_from_lowering=entry.taken.accounting_amount_from_lowering,
        taken_from_raising=entry.taken.from_raising,
        accounting_amount_from_raising=entry.taken.accounting_amount_from_raising,
        amount=pair.amount,
        cash_discount=pair.discount,
        credit_note_discount=pair.credit_note_discount,
        overpayment=ZERO if pair.left_is_penny else pair.left,
        underpayment=ZERO if pair.lacking_is_penny else pair.lacking,
        penny_difference=penny,
        realized_gain=record.gain.accounting_amount if record.gain is not None else ZERO,
        currency=pair.lowering.document.currency,
    )
