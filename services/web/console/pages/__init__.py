"""The pages: under which address each is, with what it asks and shows.

Invariant: an address of a page stands here once; a page asks the API alone (reader.py).
"""

from __future__ import annotations

from typing import Final

from services.web.console.pages import (
    accounts,
    companies,
    document,
    home,
    intercompany,
    open_documents,
    operation,
    rules,
    search,
    trace,
    voucher,
    work,
)
from services.web.console.rendering import Page

PAGES: Final = {
    "/": Page("home.html", home.view),
    "/search": Page("search.html", search.view),
    "/trace": Page("trace.html", trace.view),
    "/vouchers": Page("vouchers.html", voucher.many),
    "/voucher": Page("voucher.html", voucher.view),
    "/document": Page("document.html", document.view),
    "/intercompany": Page("intercompany.html", intercompany.view),
    "/intercompany/pair": Page("pair.html", intercompany.pair),
    "/open": Page("open.html", open_documents.view),
    "/waiting": Page("waiting.html", work.waiting),
    "/refused": Page("refused.html", work.refused),
    "/accounts": Page("accounts.html", accounts.view),
    "/account": Page("account.html", accounts.statement),
    "/companies": Page("companies.html", companies.view),
    "/flow": Page("flow.html", operation.flow),
    "/checks": Page("checks.html", operation.checks),
    "/actions": Page("actions.html", operation.actions),
    "/approvals": Page("approvals.html", operation.approvals),
    "/rules": Page("rules.html", rules.view),
}
