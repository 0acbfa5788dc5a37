"""The balances of all accounts, as rows of vouchers give them."""

from __future__ import annotations

from collections import defaultdict
from decimal import Decimal
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable

Balances = dict[tuple[Any, ...], Decimal]


def balances(vouchers: Iterable[dict[str, Any]]) -> Balances:
    """Debits less credits of every account, in transaction and in accounting currency, where not zero."""
    sums: Balances = defaultdict(Decimal)
    for voucher in vouchers:
        for line in voucher["lines"]:
            account = (voucher["company"], line["account"], line["partner"], line["currency"])
            sums[*account, "transaction"] += Decimal(line["debit"]) - Decimal(line["credit"])
            sums[*account, "accounting"] += Decimal(line["accounting_debit"]) - Decimal(line["accounting_credit"])
    return {account: amount for account, amount in sums.items() if amount}
