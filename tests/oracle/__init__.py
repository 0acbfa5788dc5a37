"""A second, deliberately plain implementation of part 1 of the rules, written from the specification's text alone.

It exists to be compared with the product on scenarios nobody wrote by hand. Nothing here imports the product, except
`compare`, which runs both.
"""
