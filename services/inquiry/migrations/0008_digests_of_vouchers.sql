-- The digest that ties a voucher to the one before it in its series; null on those that were posted before there were digests.
alter table vouchers add column digest text collate "C";
