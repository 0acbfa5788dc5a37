-- What waits for a reason that other reference data can end is found in order of arrival, so many rows at a time.
create index waiting_for_a_reason on waiting (split_part(wakes, chr(31), 1), sequence)
    where split_part(wakes, chr(31), 1) in ('document', 'intercompany-accounting', 'method-of-payment', 'posting-profile');
