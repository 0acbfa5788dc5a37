-- The sales payment journals that are only created, and reserve documents: few of many, read whole with every batch.
create index journals_created on journals (company) where cardinality(reserves) > 0;
