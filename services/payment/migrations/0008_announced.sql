-- Whether it was said that it waits (event.waiting); what was not is found by its age.
alter table waiting add column announced boolean not null default false;
create index waiting_unannounced on waiting (since) where not announced;
alter table approvals add column announced boolean not null default false;
create index approvals_unannounced on approvals (since) where not announced;
