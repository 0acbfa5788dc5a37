"""Files for people and other systems: what stands in the books goes out as CSV or a workbook, events come in from both.

Invariant: who asks and what they may see is decided by those who call; here rows become cells, and cells events.
"""
