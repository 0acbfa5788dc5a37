-- The shell's tables, the same in every service's schema.

-- Which events were taken: the key of their source and id (inbox.inbox_key), and the digest of their data.
create table inbox (
    key    uuid  primary key,
    digest bytea not null
);

-- How far each partition was read. next_offset counts on when the broker's log was lost and began anew at 0: the
-- broker's own next offset is next_offset - base.
create table positions (
    topic       text   not null,
    partition   int    not null,
    next_offset bigint not null,
    base        bigint not null default 0,
    primary key (topic, partition)
) with (fillfactor = 50);

-- What was decided and is not yet acknowledged by the broker: one row per batch, its messages as zstd-compressed JSON.
-- Ids are given under the service's lock, so their order is the order of the commits.
create table outbox (
    id         bigint generated always as identity primary key,
    created_at timestamptz not null default clock_timestamp(),
    messages   bytea not null
);
alter table outbox alter column messages set storage external;

-- What was refused, with the event itself. topic to headers are the record as it came, if it was at hand; headers is a
-- JSON list of name and base64 value. original is json, not jsonb: it must hold whatever was sent.
create table rejections (
    id          uuid primary key,
    rejected_at timestamptz not null default clock_timestamp(),
    source      text not null,
    event       text not null,
    scope       text not null,
    code        text not null,
    field       text not null,
    message     text not null,
    original    json not null,
    topic       text,
    key         bytea,
    value       bytea,
    headers     json,
    replays     int not null default 0
);
create index on rejections (event, source);

-- Defects: messages on which this program failed (direction in), or that the broker will never take (direction out).
-- Nothing is lost: retry = true has the service try again.
create table failed (
    id           bigint generated always as identity primary key,
    direction    text not null check (direction in ('in', 'out')),
    topic        text not null,
    partition    int,
    "offset"     bigint,
    key          bytea,
    value        bytea,
    headers      json not null,
    timestamp_ms bigint not null default 0,
    error        text not null,
    failed_at    timestamptz not null default clock_timestamp(),
    attempts     int not null default 1,
    retry        boolean not null default false,
    unique (topic, partition, "offset")
);

-- An operator's orders to give up what an event waits for (waiting discard).
create table discards (
    source     text not null,
    event      text not null,
    ordered_at timestamptz not null default clock_timestamp(),
    primary key (source, event)
);

-- Raised when the tables were emptied from outside (reset.py): what a process keeps in memory is void then.
create table epoch (
    single boolean primary key default true check (single),
    number bigint not null
);
insert into epoch (number) values (1);
