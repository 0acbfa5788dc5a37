"""The pages: under which address each is, with what it asks and shows.

Invariant: an address of a page stands here once; a page asks the API alone (reader.py).
"""

from __future__ import annotations

from typing import Final

from services.web.console.pages import (
    accounts,
    approving,
    companies,
    document,
    export,
    home,
    importing,
    intercompany,
    mend,
    open_documents,
    operation,
    refusals,
    reversal,
    rules,
    search,
    sign_in,
    simulate,
    trace,
    voucher,
    work,
)
from services.web.console.rendering import WebPage

PAGES: Final = {
    "/": WebPage("home.html", home.view),
    "/search": WebPage("search.html", search.view),
    "/trace": WebPage("trace.html", trace.view),
    "/vouchers": WebPage("vouchers.html", voucher.many),
    "/voucher": WebPage("voucher.html", voucher.view),
    "/voucher.json": WebPage("", export.voucher, has_head=False),
    "/export": WebPage("", export.export, has_head=False),
    "/document": WebPage("document.html", document.view),
    "/intercompany": WebPage("intercompany.html", intercompany.view),
    "/intercompany/pair": WebPage("pair.html", intercompany.pair),
    "/open": WebPage("open.html", open_documents.view),
    "/waiting": WebPage("waiting.html", work.waiting),
    "/refused": WebPage("refused.html", work.refused),
    "/simulate": WebPage("simulate.html", simulate.view, takes_forms=True),
    "/imports": WebPage("imports.html", importing.view, takes_forms=True, takes_files=True),
    "/imports/import": WebPage("import.html", importing.one),
    "/imports/file": WebPage("", importing.file, has_head=False),
    "/accounts": WebPage("accounts.html", accounts.view),
    "/account": WebPage("account.html", accounts.statement),
    "/companies": WebPage("companies.html", companies.view),
    "/flow": WebPage("flow.html", operation.flow),
    "/flow/stream": WebPage("parts/numbers.html", operation.flow_stream, has_head=False),
    "/checks": WebPage("checks.html", operation.checks),
    "/actions": WebPage("actions.html", operation.actions),
    "/approvals": WebPage("approvals.html", approving.approvals),
    "/rules": WebPage("rules.html", rules.view),
    "/waiting/mend": WebPage("mend.html", mend.mend, takes_forms=True),
    "/waiting/discard": WebPage("discard.html", mend.discard, takes_forms=True),
    "/refused/event": WebPage("refusal.html", refusals.event, takes_forms=True),
    "/refused/replay": WebPage("chosen.html", refusals.replay, takes_forms=True),
    "/refused/dismiss": WebPage("chosen.html", refusals.dismiss, takes_forms=True),
    "/approvals/journal": WebPage("journal.html", approving.journal, takes_forms=True),
    "/approvals/proposal": WebPage("proposal.html", approving.proposal, takes_forms=True),
    "/reverse": WebPage("reverse.html", reversal.view, takes_forms=True),
    "/sign-in": WebPage("sign_in.html", sign_in.view, takes_forms=True, is_open=True),
    "/sign-in/provider": WebPage("sign_in.html", sign_in.provider, is_open=True),
    "/sign-in/back": WebPage("sign_in.html", sign_in.back, is_open=True),
    "/sign-out": WebPage("sign_in.html", sign_in.out, takes_forms=True),
}
