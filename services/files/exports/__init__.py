"""What stands in the books as a file: columns, cells, CSV and workbooks. Rows are those of the HTTP API.

Invariant: a file has its heading whatever rows there are; a text never becomes a formula; no amount passes through a float.
"""
