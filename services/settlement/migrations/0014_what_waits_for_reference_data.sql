-- Reference data that is withdrawn may change what anything waits for that reference data holds back.
drop index waiting_for_a_reason;
create index waiting_for_a_reason on waiting (split_part(wakes, chr(31), 1), sequence)
    where split_part(wakes, chr(31), 1)
        in ('document', 'exchange-rate', 'intercompany-accounting', 'method-of-payment', 'period', 'posting-profile');
