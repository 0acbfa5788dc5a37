-- Search: documents whatever their case, parties by any word of their name and by their accounts.

create index documents_by_number_of_any_case on documents ((lower(document collate "default")) collate "C");

-- The accounts stand in the data as they were sent, so their words are a first choice: the search looks at each account itself.
create index reference_history_by_word on reference_history
using gin (to_tsvector('simple', coalesce(data ->> 'name', ''))) where type = 'party.defined';
create index reference_history_by_account on reference_history
using gin (to_tsvector('simple', coalesce(data ->> 'customers', '') || ' ' || coalesce(data ->> 'vendors', '')))
where type = 'party.defined';
