"""The shell, written once for all services: batches, inbox, outbox, relay, rejections, failed messages, health.

One batch of records is one transaction; the cores are pure and know nothing of it (architecture/delivery.md).
`process.serve` runs one service; `ports` names all that the shell needs from the runtime.
"""
