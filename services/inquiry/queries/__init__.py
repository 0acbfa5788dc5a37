"""The questions to the books: each is one or a few statements, whatever it finds, on the tables that the inquiry service fills.

A question is `async (connection, selection, ...) -> rows`: the selection is a frozen dataclass beside its function, `companies` in
it is the scope (None: every company), `connection` one from `snapshot` (read_to.py). Rows are objects in the form that is shown,
spelled by shared.rows; lists give a page at a time (pages.py).

Invariant: nothing is changed; no statement reads a table that grows from end to end, and none is sent once per row.
"""
