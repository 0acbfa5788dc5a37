-- The vouchers that mirror a settlement record's are found by its run, as its own are: few, since few are reversed.
create index vouchers_that_reverse_a_run on vouchers (run_id, run_source) where kind = 'settlement_reversal';
