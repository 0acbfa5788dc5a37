-- Events of which was said that they wait (event.waiting), until it is said that they do no longer. ended: something of theirs
-- has stopped waiting since; whether all of it has is looked at then.
create table announced (
    source text collate "C" not null,
    event text collate "C" not null,
    said json not null,
    ended boolean not null default false,
    primary key (event, source)
);
create index announced_and_ended on announced (event) where ended;
