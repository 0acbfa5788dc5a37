"""The picture of a trace: who pays stands first, each voucher in its company's column, each step under what led to it."""

from __future__ import annotations

from typing import Any

from services.web.console.picture import COLUMN, MOST_COLUMNS, Picture, Step, picture


def _document(ledger: str, company: str, number: str, kind: str = "invoice") -> dict[str, Any]:
    id_ = f"document/{ledger}/{company}/{number}"
    return {"id": id_, "kind": "document", "state": "posted", "company": company, "document": number, "document_kind": kind}


def _voucher(company: str, number: str, kind: str) -> dict[str, Any]:
    return {
        "id": f"voucher/{company}/{number}",
        "kind": "voucher",
        "state": "posted",
        "company": company,
        "voucher": number,
        "voucher_kind": kind,
    }


def _run(id_: str, ledger: str, debit: str, credit: str) -> dict[str, Any]:
    record = {"ledger": ledger, "date": "2026-03-12", "debit_company": debit, "credit_company": credit}
    return {"id": id_, "kind": "settlement", "state": "posted", "records": [record]}


def _edge(from_: str, to: str, kind: str = "caused") -> dict[str, str]:
    return {"from": from_, "to": to, "kind": kind}


def _trace() -> dict[str, Any]:
    invoice, payment = _document("payable", "EAST", "VI"), _document("payable", "FAB", "PAY", "payment")
    sale, made = _document("receivable", "WEST", "CI"), _document("receivable", "WEST", "MADE", "payment")
    first, second = _run("run/1", "payable", "FAB", "EAST"), _run("run/2", "receivable", "WEST", "WEST")
    vouchers = [_voucher("FAB", "S1", "settlement"), _voucher("EAST", "S2", "settlement"), _voucher("EAST", "R1", "settlement_reversal")]
    edges = [
        *(_edge("run/1", each["id"]) for each in vouchers),
        *(_edge("run/1", each["id"], "settles") for each in (payment, invoice)),
        *(_edge("run/2", each["id"], "settles") for each in (made, sale)),
        _edge(payment["id"], made["id"], "mirrors"),
        _edge(sale["id"], invoice["id"], "mirrors"),
    ]
    return {"nodes": [sale, made, invoice, second, first, payment, *vouchers], "edges": edges, "truncated": False}


def _made() -> Picture:
    return picture(_trace(), {"FAB": "Fabrikam"})


def test_the_company_that_pays_stands_first_and_what_each_does_is_said() -> None:
    assert [(each.company, each.name, each.role) for each in _made().columns] == [
        ("FAB", "Fabrikam", "pays"),
        ("EAST", "", "owes"),
        ("WEST", "", "is paid"),
    ]


def test_steps_follow_each_other_as_one_led_to_the_next() -> None:
    assert [each.kind for each in _made().steps] == ["documents", "settlement", "reversal", "documents", "settlement"]


def test_every_voucher_stands_once_in_its_companys_column() -> None:
    made = _made()
    found = [
        (made.columns[place].company, voucher["voucher"])
        for step in made.steps
        for place, cell in enumerate(step.cells)
        for card in cell
        for voucher in card.vouchers
    ]
    assert sorted(found) == [("EAST", "R1"), ("EAST", "S2"), ("FAB", "S1")]


def test_what_a_payment_makes_is_joined_from_the_payers_column_to_the_sellers() -> None:
    (connector,) = _made().steps[3].connectors
    assert connector.kind == "makes"
    assert connector.path.startswith(f"M{COLUMN // 2} 0V")
    assert f"H{2 * COLUMN + COLUMN // 2}V" in connector.path


def test_a_reversal_of_documents_comes_after_what_settled_them() -> None:
    trace = _trace()
    reversal = _voucher("FAB", "D1", "payment_reversal")
    trace["nodes"].append(reversal)
    trace["edges"].append(_edge("document/payable/FAB/PAY", reversal["id"]))
    steps = picture(trace, {}).steps
    place = next(number for number, step in enumerate(steps) for cell in step.cells for card in cell if reversal in card.vouchers)
    assert steps[place].kind == "reversal"
    assert place > [step.kind for step in steps].index("settlement")


def test_many_companies_are_folded() -> None:
    nodes = [_document("payable", f"C{number}", "I") for number in range(MOST_COLUMNS + 1)]
    assert picture({"nodes": nodes, "edges": [], "truncated": False}, {}).folded
    assert not picture({"nodes": nodes[1:], "edges": [], "truncated": False}, {}).folded


def test_things_that_settle_each_other_in_a_circle_are_drawn_once() -> None:
    one, other = _document("payable", "A", "1", "payment"), _document("payable", "B", "2", "payment")
    edges = [
        _edge(one["id"], other["id"], "mirrors"),
        _edge(other["id"], one["id"], "mirrors"),
        _edge("run", one["id"], "settles"),
        _edge("run", other["id"], "settles"),
    ]
    made = picture({"nodes": [one, other, _run("run", "payable", "A", "B")], "edges": edges, "truncated": False}, {})
    assert sum(len(cell) for step in made.steps if step.kind == "documents" for cell in step.cells) == 2


def test_a_settlement_is_called_by_its_event_and_one_with_a_derived_id_by_what_it_settled() -> None:
    def step(id_: str, *documents: str) -> Step:
        records = [{"ledger": "receivable", "debit_document": each, "credit_document": "PAY"} for each in documents]
        return Step("settlement", {"settlement": {"id": id_}, "records": records}, ())

    derived = "00dc6acf-e2b0-8677-8d1b-519ccd00ac20"
    assert step("VPAY-7", "CI-7").name == "VPAY-7"
    assert step(derived, "CI-7", "CI-7", "CI-8").name == "CI-7, CI-8"
    assert step(derived, "A", "B", "C", "D").name == "A, B, C …"
    assert step(derived).name == derived
    assert Step("documents", None, ()).name == ""
