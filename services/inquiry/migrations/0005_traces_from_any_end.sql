-- Of a refusal that was told again with another time: the last. An event that was refused, sent again, and refused again is refused.
alter table refusals add column again_at timestamptz;

-- From a seller's invoice to the buyer's, which names it.
create index documents_by_sellers_invoice on documents (ic_document, ic_company) where ic_document is not null;

-- From an event that asked for a reversal, or approved a journal, to what it reversed or approved.
create index document_reversals_by_event on document_reversals (event_id);
create index record_reversals_by_event on record_reversals (event_id);
create index journals_by_approval on journals (approval_id) where approval_id is not null;
