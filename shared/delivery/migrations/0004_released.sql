-- What waited for something that has come, where it is too much for one transaction: it resumes in slices, in the order of
-- arrival, the next one after the sequence `after`.
create table released (
    wake_key text[] collate "C" primary key,
    after    bigint not null
);
