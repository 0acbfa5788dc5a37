"""Why a line of a voucher is there and has its amount: a sentence in the reader's language, made of what decided it.

Invariant: pure but for `finding`; the arithmetic that a sentence says is done again and gives the amount that was posted, or the
sentence says that the line is not explained.
"""
