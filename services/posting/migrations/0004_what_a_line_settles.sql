-- The party, its account and the document whose balance a receivable or payable line changes; null on all other lines, and on
-- those that were posted before this was kept.
alter table lines add column party text collate "C", add column party_account text collate "C", add column settles text collate "C";
