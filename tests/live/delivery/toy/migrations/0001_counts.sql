create table counts (
    company text primary key check (company <> 'NEVER'),
    number  bigint not null,
    total   numeric not null
);
