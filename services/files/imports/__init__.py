"""Events out of files: rows of CSV and workbooks by a mapping file, entries of bank statements (camt.053).

Invariant: an id is made of what the row says of itself, never of its place, so the same file twice is the same events; nothing is
guessed: what a cell or an entry does not say by the mapping is an error that names the row and the column.
"""
