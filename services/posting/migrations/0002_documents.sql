-- The other side's number of a voucher's document; null where there is none.
alter table vouchers add column reference text;

-- A reversal finds the voucher of any document, not of payments alone. Vouchers of runs have their own index.
drop index vouchers_of_a_payment;
create index vouchers_of_a_document on vouchers (document, company) where run_id is null;
