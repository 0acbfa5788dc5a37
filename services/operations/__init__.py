"""What an operator orders: reference data published, events replayed, vouchers republished, rights at the broker."""
