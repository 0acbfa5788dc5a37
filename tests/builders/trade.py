"""FABE buys from FABW: the invoices of both sides, FABE's payments, and the approval of FABW's journals, written briefly."""

from __future__ import annotations

from tests.builders.settlement import GROUP, Event, invoice, paid

RELATION: Event = GROUP["trading"][0]


def sale(document: str, amount: str = "100.00", company: str = "FABW") -> Event:
    """An invoice of a seller to FABE."""
    return invoice(document, amount, company=company, account="IC-EAST", exchange_rate="0.8" if company == "FABW" else "1")


def bill(document: str, sale_: str, amount: str = "100.00", company: str = "FABW", **more: str) -> Event:
    """The same invoice as FABE has it; `sale_` is the seller's number."""
    seller = {"company": company, "document": sale_}
    return invoice(document, amount, company="FABE", side="vendor", account="IC-WEST", intercompany_invoice=seller, **more)


def pays(document: str, amount: str, *marks: Event) -> Event:
    """A payment of FABE to its sellers."""
    return paid(document, amount, *marks, company="FABE", side="vendor", account="IC-WEST")


def approves(document: str) -> Event:
    """The approval of a journal that was only created."""
    return {"id": f"A-{document}", "type": "journal-approval.requested", "company": "FABW", "journal": "J", "document": document}
