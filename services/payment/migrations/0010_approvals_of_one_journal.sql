-- Approvals of one payment, and of one journal, are read in order of arrival, so many at a time.
drop index approvals_by_payment;
create index approvals_by_payment on approvals (payment, company, sequence);
create index approvals_by_journal on approvals (company, ((data->>4) collate "C"), sequence);
