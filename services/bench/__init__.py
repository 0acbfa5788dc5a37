"""`intercompany bench`: how fast the services are, beside what the same machine can do at best (see docs/speed.md).

Invariant: everything happens in a namespace of the run's own, gone afterwards; the events follow from their numbers
alone, so two runs send the same; figures are given only together with the verdict whether the books are right.
"""
