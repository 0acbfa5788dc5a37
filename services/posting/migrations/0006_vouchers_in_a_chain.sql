-- The digest that ties each voucher to the one before it in its series, SHA-256 in hexadecimal, and as a JSON object by company the
-- digests of the contents of its sisters, null where it has none (services/posting/rules/chain.py). Vouchers that are there already
-- have no digest: the chain of their series begins with the next one.
alter table vouchers add column digest text collate "C", add column sister_contents text;
-- The digest of the last voucher of each series.
alter table numbers add column digest text collate "C";
-- The sisters of a reversal's voucher are found as those of a settlement's are.
create index vouchers_of_a_reversed_run on vouchers (run_id, run_source) where kind = 'settlement_reversal';
