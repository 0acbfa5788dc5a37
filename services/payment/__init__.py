"""The payment service: payments are checked and handed on, and group companies' payments are mirrored at their sellers."""
