-- What somebody approves once more after it has failed is a decision too: `repeat` counts them, 0 is the one that decided.
alter table decisions drop constraint decisions_pkey;
alter table decisions add column repeat int not null default 0;
alter table decisions add primary key (action, repeat);

-- Over which version of an entity of the reference data an action writes (key and position as its writer has read them; position 0:
-- there was none). A version is replaced once: whoever comes second reads again.
create table replaced_versions (
    entity   text collate "C" not null,
    position bigint not null,
    action   uuid not null references actions deferrable initially deferred,
    primary key (entity, position, action)
);
