-- What people do to what the services keep, and what they decided about it. Rows are added, and nothing of one is changed but the
-- state of an action; nobody but the owner deletes (rights.py).

-- An action: who did what to what, for what reason. It is written before anything happens, in the state `begun`, or `proposed` where
-- somebody else has to approve it first. `plan` is all that carrying it out needs, so that it can be done again after a crash, with
-- the same ids. `before` and `after` show what it changes; they are json, not jsonb: they must hold whatever was sent.
create table actions (
    id         uuid primary key,
    at         timestamptz not null,
    actor      text not null,
    roles      text[] not null,
    request_id text not null,
    verb       text not null,
    target     json not null,
    companies  text[],
    reason     text not null,
    before     json,
    after      json,
    plan       json not null,
    state      text not null check (state in ('proposed', 'begun', 'done', 'failed', 'declined'))
);
create index on actions (at desc, id desc);
create index on actions (actor, at desc, id desc);
create index on actions (at) where state in ('proposed', 'begun');
comment on column actions.companies is 'the companies whose books it concerns; null: the whole group';

-- Which events an action is about: those that it sends, replays, mends, dismisses or discards.
create table concerned (
    id     text collate "C" not null,
    source text collate "C" not null,
    action uuid not null references actions,
    primary key (id, source, action)
);

-- What somebody else decided about an action that was proposed: once.
create table decisions (
    action     uuid primary key references actions,
    at         timestamptz not null,
    actor      text not null,
    roles      text[] not null,
    request_id text not null,
    decision   text not null check (decision in ('approved', 'declined')),
    reason     text not null
);

-- What came of carrying out an action, each time that was tried; the last one counts.
create table outcomes (
    action  uuid not null references actions,
    attempt int not null,
    at      timestamptz not null,
    outcome json not null,
    primary key (action, attempt)
);

-- What was done about a refusal (the id is the refusal's): the last row counts; without one it is open.
create table refusal_states (
    refusal uuid not null,
    action  uuid not null references actions,
    at      timestamptz not null,
    state   text not null check (state in ('open', 'resent', 'dismissed')),
    primary key (refusal, action)
);
create index on refusal_states (state, at desc);

-- Keys under which requests were made, and the first answer to each. One counts for 30 days; older rows may be deleted by the owner.
create table request_keys (
    actor  text not null,
    key    text not null,
    at     timestamptz not null,
    digest bytea not null,
    action uuid not null references actions deferrable initially deferred,
    primary key (actor, key, at)
);
create table answers (
    actor  text not null,
    key    text not null,
    at     timestamptz not null,
    status int not null,
    body   json not null,
    primary key (actor, key, at),
    foreign key (actor, key, at) references request_keys on delete cascade
);
