"""A service as small as can be, to test the shell with: it counts invoices."""
