-- A number in ASCII without a blank reads as it is written: its normal form need not be made for every row that is written.
drop index documents_that_read_otherwise;
create index documents_that_read_otherwise on documents (replace(normalize(document, nfkc), ' ', ''), company, ledger)
    where (octet_length(document) <> char_length(document) or position(' ' in document) > 0)
    and replace(normalize(document, nfkc), ' ', '') <> document;
