-- The other side's number of a voucher's document; null where there is none.
alter table vouchers add column reference text;
