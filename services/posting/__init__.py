"""The posting service: which lines in which company's ledger, in which voucher."""
