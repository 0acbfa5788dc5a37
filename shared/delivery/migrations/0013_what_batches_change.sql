-- What each batch has changed, in the order of their commits: numbers of the places in the service's tables, null where they were not
-- noted since no other instance took batches. By them an instance knows whether what it folded before its turn still holds.
create table changes (
    number bigint generated always as identity primary key,
    writer bigint not null,
    places bytea
);
