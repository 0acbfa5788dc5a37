-- Numbers that read otherwise than they are written (a no-break space, a decomposed letter): few. What waits for a number that
-- reads like one of them names it; all others are found by their key.
create index documents_that_read_otherwise on documents (replace(normalize(document, nfkc), ' ', ''), company, ledger)
    where replace(normalize(document, nfkc), ' ', '') <> document;
