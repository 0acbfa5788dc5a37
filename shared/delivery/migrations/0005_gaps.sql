-- Records that the broker had dropped before they were read: readiness says so until acknowledged is set.
create table gaps (
    topic        text   not null,
    partition    int    not null,
    first        bigint not null,
    last         bigint not null,
    noted_at     timestamptz not null default clock_timestamp(),
    acknowledged boolean not null default false,
    primary key (topic, partition, first)
);
