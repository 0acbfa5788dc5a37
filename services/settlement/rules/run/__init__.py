"""A settlement run as a closed world: open items in, settlement records out; no message, no turn, no wait list."""
