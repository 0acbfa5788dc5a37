-- What a vendor payment is mirrored by is asked of the inquiry service, so each journal is written without these.
drop index journals_by_payer;
drop index journals_by_mirrored;
