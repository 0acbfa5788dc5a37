-- Files that people have imported, as they came: each is kept once, under its digest, however often it is imported.
create table imported_files (
    sha256  bytea primary key check (octet_length(sha256) = 32),
    content bytea not null
);

-- An import is an action, which says who did it, when and why, and what was sent. Beside that: which file it was, what its rows mean
-- (the mapping), and what became of each row. `companies`: whose books its rows are about; null: of some that cannot be told.
create table imports (
    action    uuid primary key references actions,
    at        timestamptz not null,
    name      text not null,
    sha256    bytea not null references imported_files,
    mapping   json not null,
    companies text[],
    counts    json not null,
    rows      json not null
);
create index on imports (at desc, action desc);
create index on imports (sha256, at desc);
