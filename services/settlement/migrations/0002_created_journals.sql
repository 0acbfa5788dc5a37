-- Only sales payment journals that are created reserve documents: few of many. They are read with every batch, and the
-- others are no part of the index on what is reserved.
drop index journals_reserve;
create index journals_reserve on journals using gin (reserves) where cardinality(reserves) > 0;
create index journals_created on journals (company) where cardinality(reserves) > 0;
