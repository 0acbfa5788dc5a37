-- A document of any kind can be reversed: its own voucher is found by its number, not only a payment's.
drop index vouchers_of_a_payment;
create index vouchers_of_a_document on vouchers (document, company) where run_id is null;
