-- What is open is listed company by company in the order of its due dates; a ledger alone is found along it too.
drop index documents_open_by_due_date;
create index documents_open_by_due_date on documents (company, coalesce(due_date, date), ledger, document) where open <> 0;
