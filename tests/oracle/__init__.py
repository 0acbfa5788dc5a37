"""A second, deliberately plain implementation of part 1 of the rules, written from the specification's text alone.

It exists to be compared with the product on scenarios nobody wrote by hand. Nothing here imports the product, except
`compare`, which runs both. It stands as the text does:

- part 1 of rules.md: `reference`, `documents`, `run`, `records`, `sales`, `world`. These six have at most 1,500 lines, blank
  ones, imports and docstrings counted, so that they can be read beside the text;
- events.md: `arrival` (ids and duplicates), `contract` (spellings and values), `contradictions` (the table of refusals),
  `waiting` (the table of what is waited for), and the list `currencies`;
- scenarios.md: `scenario_form`, what scenario files say and what is printed;
- around it: the generator (`generate`, `random_*`), the comparison (`compare`) and what it counts (`occurrences`).

Invariant: what decides a figure is in the first six; a module that is named nowhere here counts with them.
"""
