"""The three services, payment, settlement and posting, and the command line that sees them all."""
