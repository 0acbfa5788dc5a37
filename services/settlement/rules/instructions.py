"""Instructions to settle: a payment's marks, a request, a sales payment's marks (docs/events.md, "Waiting").

Invariant: a run happens whole or not at all; it reserves its documents from its arrival on; what is missing is
waited for, what contradicts is refused, and the facts around it stand.
"""

from __future__ import annotations

from msgspec.structs import replace

from services.settlement.rules.automatic import settle_automatically
from services.settlement.rules.incoming import SettlementInstruction
from services.settlement.rules.refusals import Refusal, refusal_of
from services.settlement.rules.run.carry_out import carry_out, next_number, settlement_of
from services.settlement.rules.run.cash_discount import credited_key
from services.settlement.rules.run.compute import compute
from services.settlement.rules.run.conversion import WaitForError
from services.settlement.rules.run.gather import gather
from services.settlement.rules.run.messages import is_too_large
from services.settlement.rules.run.records import MadeRecord
from services.settlement.rules.run.state import Run
from services.settlement.rules.turn import Turn
from services.settlement.rules.values import CREDIT_NOTE, NOTHING_YET, Document, DocumentKey, Parked
from services.settlement.rules.waiting import for_document, for_replies, for_reservation
from shared.events.values import MOST_MARKS
from shared.waiting import Need, for_account


def carry_out_request(turn: Turn) -> None:
    """A settlement that was asked for."""
    begin_to_settle(turn, turn.books.next_sequence())


def begin_to_settle(turn: Turn, sequence: int) -> None:
    """An instruction begins to count: it is carried out, refused, or waits and reserves its documents."""
    instruction = _instruction(turn)
    if len(instruction.marks) > MOST_MARKS:
        message = f"there are {len(instruction.marks)} marks: at most {MOST_MARKS} are settled at once"
        _refuse(turn, instruction, Refusal("invalid", "/settle", message))
        return
    reserves = instruction.keys
    try_to_settle(turn, Parked(sequence, "run", turn.incoming.reported_event, turn.message, NOTHING_YET, reserves))


def try_to_settle(turn: Turn, parked: Parked) -> None:
    """Step 1 of a run and all that follows."""
    instruction = _instruction(turn)
    keys = parked.reserves
    documents = _documents(turn, keys)
    need = documents if isinstance(documents, Need) else _earlier_run(turn, parked) or _earlier_approval(turn, keys)
    if need is None and not isinstance(documents, Need):
        instruction = _with_documents(turn, instruction, documents, parked.sequence)
        need = _account_of_nobody(instruction)
    if need is not None:
        turn.park(parked, need)
        return
    refusal = refusal_of(turn.books, instruction)
    if refusal is not None:
        _refuse(turn, instruction, refusal)
        turn.release(parked)
        return
    computed = _computed(turn, instruction)
    if isinstance(computed, Need):
        turn.park(parked, computed)
        return
    run, records = computed
    if len(records) > 1 and is_too_large(settlement_of(run, records)):
        message = f"{len(records)} settlements of one vendor payment are more than one message holds: settle fewer at once"
        _refuse(turn, instruction, Refusal("invalid", "/settle", message))
        turn.release(parked)
        return
    carry_out(turn, run, records)
    _done(turn, instruction)
    turn.release(parked)
    settle_automatically(turn, keys, run.date, instruction.run)


def _computed(turn: Turn, instruction: SettlementInstruction) -> Need | tuple[Run, list[MadeRecord]]:
    """The run with its records, or the first thing in the table's order that it waits for."""
    try:
        run = gather(turn.books.reference, instruction, turn.books.documents.get)
        return run, compute(run, next_number(turn, instruction.run, instruction.ledger))
    except WaitForError as missing:
        return missing.need


def _refuse(turn: Turn, instruction: SettlementInstruction, refusal: Refusal) -> None:
    frees_id = instruction.payment is None
    turn.refuse(refusal.code, refusal.field, refusal.message, scope="settlement", frees_id=frees_id)
    leave_open(turn)


def leave_open(turn: Turn) -> None:
    """A payment whose marks are refused or given up is posted and stays open, out of automatic settlement."""
    key = _instruction(turn).payment
    payment = turn.books.documents.get(key) if key is not None else None
    if payment is not None:
        turn.books.documents.put(payment.key, replace(payment, manual_only=True, marks_refused=True))


def _instruction(turn: Turn) -> SettlementInstruction:
    instruction = turn.incoming.instruction
    if instruction is None:
        msg = f"{turn.message.type} brings nothing to settle"
        raise TypeError(msg)
    return instruction


def _documents(turn: Turn, keys: tuple[DocumentKey, ...]) -> list[Document] | Need:
    """The documents of a run, or the first that is missing; of a credit note the one that it credits, too, where that counts."""
    found: list[Document] = []
    for key in keys:
        document = turn.books.documents.get(key)
        if document is None:
            return for_document(key)
        found.append(document)
        if document.kind == CREDIT_NOTE:
            credited = credited_key(document, turn.books.reference.parameters(document.company, document.ledger))
            if credited is not None and turn.books.documents.get(credited) is None:
                return for_document(credited)
    return found


def _earlier_run(turn: Turn, parked: Parked) -> Need | None:
    if turn.books.waiting.is_empty:
        return None
    for key in parked.reserves:
        if turn.books.is_reserved(key, before=parked.sequence):
            return for_reservation(key)
    return None


def _earlier_approval(turn: Turn, keys: tuple[DocumentKey, ...]) -> Need | None:
    """A sales payment that is about to be posted has reserved one of the documents: what it settles comes first."""
    approval = turn.books.awaited_approval(*keys)
    return None if approval is None else for_replies(approval)


def _account_of_nobody(instruction: SettlementInstruction) -> Need | None:
    """A document belongs to the party that has its account now: an account that none has any more holds the run back."""
    if None not in instruction.parties:
        return None
    document = instruction.all_documents[instruction.parties.index(None)]
    return for_account(document.ledger, document.company, document.account)


def _with_documents(turn: Turn, instruction: SettlementInstruction, documents: list[Document], sequence: int) -> SettlementInstruction:
    """The instruction with its documents, which are all there, and the parties that have their accounts now."""
    party_of = turn.books.reference.party
    return replace(
        instruction,
        sequence=sequence,
        own_document=documents[0] if instruction.payment is not None else None,
        documents=tuple(documents[1:] if instruction.payment is not None else documents),
        all_documents=tuple(documents),
        parties=tuple([party_of(document.ledger, document.company, document.account) for document in documents]),
    )


def _done(turn: Turn, instruction: SettlementInstruction) -> None:
    if instruction.payment is None:
        turn.know(instruction.run, turn.message.type)
