"""What each event of the contract is, in a sentence, for its published documents.

Invariant: every event of the contract has its sentence, and nothing else has (a test).
"""

from __future__ import annotations

from typing import Final

PURPOSES: Final[dict[str, str]] = {
    "company.defined": "A legal entity of the group: its currency and its chart of accounts.",
    "party.defined": "A party of the address book: its customer and vendor accounts in each company.",
    "centralized-payments.defined": "Which company posts cash discounts and exchange gains where this company pays for others.",
    "centralized-payments-members.defined": "The companies that may settle with each other.",
    "intercompany-accounting.defined": "The accounts in one company's books of what it and another company owe each other.",
    "settlement-parameters.defined": "How a company settles the documents of one ledger.",
    "posting-profile.defined": "The receivable and payable main accounts of a company's customers and vendors.",
    "methods-of-payment.defined": "The methods of payment that a company knows.",
    "payment-journal.defined": "A payment journal of a company, in which payments are mirrored.",
    "trading-relation.defined": "A group company that sells to another one, and the journal in which the buyer's payments are mirrored.",
    "exchange-rate.published": "An exchange rate, from a date on.",
    "period.closed": "A closed period of a company: what would be posted there waits.",
    "period.opened": "A period of a company that is open again.",
    "sender.defined": "For which companies a sending system speaks, under which sources, with which events.",
    "reference.withdrawn": "Takes back what an earlier reference event defined.",
    "customer-invoice.posted": "An invoice, credit note or other document that a company has posted for a customer.",
    "vendor-invoice.posted": "An invoice, credit note or other document that a company has posted for a vendor.",
    "customer-payment.posted": "A payment from a customer, and what it is to settle, in whichever company.",
    "vendor-payment.posted": "A payment to a vendor, and what it is to settle, in whichever company.",
    "settlement.requested": "Asks for open documents to be settled with each other.",
    "settlement-reversal.requested": "Asks for settlements to be taken back.",
    "document-reversal.requested": "Asks for a posted document to be taken back.",
    "payment-reversal.requested": "Asks for a posted payment to be taken back.",
    "journal-approval.requested": "Approves a sales payment that was only created: it is posted.",
    "voucher.imported": "A company's own system has taken a voucher over.",
    "voucher.import-failed": "A company's own system did not take a voucher over.",
    "payment-journal.posted": "A payment, handed on to be settled.",
    "payment.refused": "A payment that cannot be read, handed on to be refused.",
    "sales-payment-journal.created": "A group payment as its seller sees it, which has yet to be approved.",
    "sales-payment-journal.posted": "A group payment as its seller sees it, to be posted and settled.",
    "sales-payment-journal.reversed": "A sales payment whose vendor payment's settlement was reversed.",
    "sales-payment-journal.waiting": "A run's sales payment waits for something.",
    "sales-payment-journals.answered": "A run makes no sales payment.",
    "document.posted": "A document has become part of its company's books.",
    "document.reversed": "A document was taken back.",
    "settlement.posted": "A settlement with all its records, complete enough to post from.",
    "settlement.reversed": "Settlements were taken back.",
    "sales-payment-journal.approved": "A sales payment that was only created was approved: it is posted.",
    "sales-payment-journal.refused": "The number of a sales payment is taken in the seller's books.",
    "voucher.posted": "A balanced voucher of one company, to be imported into its ledger as it is.",
    "event.rejected": "An event was refused, or what it asked for; the event itself is in it.",
    "event.waiting": "An event, or what it asked for, waits for something that is not there yet.",
    "event.resumed": "What was said to wait no longer does.",
}
"""What each event is, in a sentence, by its name."""
