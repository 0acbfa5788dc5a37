-- Automatic settlement goes by account: a party may have several in a company.
alter table documents add column account text collate "C" not null default '';
update documents set account = body->>5;
alter table documents alter column account drop default;
drop index documents_open;
create index documents_open on documents (account, ledger, company, currency) where automatic;
