"""The command `intercompany`: all its commands under one name.

Invariant: each command says what it does and gives an example (`--help`); results are on standard output, errors on
standard error with what to do about them. Nothing of the product is imported before a command needs it.
"""

from __future__ import annotations

from typing import ClassVar, Final

import typer

from services.command_line.lazy import LazyCommands, Listed

SCENARIOS: Final = "Scenarios: examples and tests"
RUNNING: Final = "Running the services"
PREPARING: Final = "Where services may not create schemas and topics"
SENDING: Final = "Sending to the running services"
SHOWING: Final = "What is in the books"


class Commands(LazyCommands):
    """All commands."""

    listing: ClassVar[dict[str, Listed]] = {
        "demo": Listed(
            SCENARIOS,
            "Starts everything, sends the documented examples, prints what each company's ledger got, and stops.",
            "scenarios",
            "demo_command",
        ),
        "simulate": Listed(
            SCENARIOS,
            "Runs scenarios through the pure rules in one process: no broker, no database.",
            "simulating",
            "simulate_command",
        ),
        "run": Listed(
            SCENARIOS,
            "Runs scenarios through the real services, broker and database, one event after the other.",
            "scenarios",
            "run_command",
        ),
        "up": Listed(
            RUNNING,
            "Starts broker, database, the services and the HTTP API, and leaves them running until Ctrl-C.",
            "running",
            "up_command",
        ),
        "service": Listed(RUNNING, "Runs one service in this process until Ctrl-C or SIGTERM.", "running", "service_command"),
        "web": Listed(RUNNING, "Runs the HTTP API in this process until Ctrl-C or SIGTERM.", "running", "web_command"),
        "bench": Listed(
            RUNNING,
            "Sends intercompany vendor payments through the services and reports throughput, latency and what a payment costs.",
            "bench",
            "bench_command",
        ),
        "migrate": Listed(
            PREPARING,
            "Brings the services' schemas to this program's version and gives the roles their rights, as the role of DATABASE_URL.",
            "preparing",
            "migrate_command",
        ),
        "provision": Listed(
            PREPARING,
            "Creates the topics that do not exist yet, with the partitions, replication and retention of TOPICS_FILE.",
            "preparing",
            "provision_command",
        ),
        "acls": Listed(
            PREPARING,
            "Prints what each program may do at the broker, as options of Apache Kafka's kafka-acls.sh, one call a line.",
            "preparing",
            "acls_command",
        ),
        "apply": Listed(
            SENDING,
            "Publishes a group file: companies, parties, accounts, parameters, rates and so on; says what changes.",
            "publishing",
            "apply_command",
        ),
        "reciprocal": Listed(
            SENDING,
            "Defines the intercompany accounting of two companies in both directions, in one step.",
            "publishing",
            "reciprocal_command",
        ),
        "publish": Listed(
            SENDING,
            "Publishes events, as in a scenario file (id and type beside the data) or as CloudEvents documents.",
            "publishing",
            "publish_command",
        ),
        "import": Listed(
            SENDING,
            "Sends the rows of a table (CSV, XLSX) or the entries of a bank statement (camt.053) as events, by a mapping file.",
            "importing",
            "import_command",
        ),
        "republish": Listed(
            SENDING,
            "Publishes the ledger's vouchers on intercompany.vouchers again, after the topic or a copy of it was lost.",
            "republishing",
            "republish_command",
        ),
        "resend": Listed(
            SENDING,
            "Has the services send again what they have sent since a time, after topics were lost with records that nobody had read.",
            "republishing",
            "resend_command",
        ),
        "vouchers": Listed(
            SHOWING,
            "Prints vouchers with their lines, company by company; the newest 50 unless told otherwise.",
            "books",
            "vouchers_command",
        ),
        "open": Listed(
            SHOWING,
            "Prints open documents with what is open of each, debit positive (receivable invoices +, payable invoices -).",
            "books",
            "open_command",
        ),
        "balances": Listed(
            SHOWING,
            "Prints the balance of every account of each company, and what the companies owe each other.",
            "books",
            "balances_command",
        ),
        "matrix": Listed(
            SHOWING,
            "Prints what each company is due from and due to each other one, in transaction and in accounting currency,"
            " and the partner's side.",
            "books",
            "matrix_command",
        ),
        "trace": Listed(
            SHOWING,
            "Follows an event, document, voucher or settlement to all that came of it, with the state of each and the rule of each line.",
            "books",
            "trace_command",
        ),
        "export": Listed(
            SHOWING, "Writes vouchers, documents, lines, balances or intercompany accounts as CSV or a workbook.", "exporting", "export"
        ),
        "why": Listed(
            SHOWING,
            "Says why a line of a voucher is there and has its amount, in one sentence with its figures.",
            "why",
            "why_command",
        ),
        "reconcile": Listed(
            SHOWING,
            "Compares the services document by document, record by record and voucher by voucher, and the companies with each other.",
            "reconciling",
            "reconcile_command",
        ),
        "check": Listed(SHOWING, "Whether the books agree with themselves, on any date.", "inquiring", "check"),
        "inquiry": Listed(SHOWING, "The inquiry service's tables: read them again, compare them.", "inquiring", "inquiry"),
        "rejections": Listed(
            SHOWING, "What was refused: list it, show it, send it again once its cause is corrected.", "rejections", "rejections"
        ),
        "contract": Listed(
            SENDING,
            "The published contract: write its files, compare it with what was promised, validate an event.",
            "contract",
            "contract",
        ),
        "failed": Listed(SHOWING, "Messages that were put aside: list them, have them tried again.", "put_aside", "failed"),
        "diagnose": Listed(
            SHOWING,
            "Writes one file for support: versions, settings without secrets, lags, counts, the last errors.",
            "diagnosing",
            "diagnose_command",
        ),
        "gaps": Listed(SHOWING, "Records that were gone before they were read: list them, acknowledge them.", "put_aside", "gaps"),
        "waiting": Listed(SHOWING, "What waits: list it with its age, show what it waits for, give it up.", "waiting", "waiting"),
    }


app = typer.Typer(name="intercompany", cls=Commands, no_args_is_help=True, add_completion=False, pretty_exceptions_show_locals=False)


@app.callback()
def intercompany() -> None:
    """Centralized payments between group companies: one payment becomes every company's vouchers."""


if __name__ == "__main__":
    app()
