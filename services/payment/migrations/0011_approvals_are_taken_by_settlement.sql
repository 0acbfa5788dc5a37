-- Approvals are taken by the settlement service, among all else that waits there. What waits here is given up within seconds: a
-- refusal with code `discarded` each, which `rejections replay` sends to that service.
insert into discards (source, event) select distinct source, event from approvals on conflict do nothing;
delete from released where wake_key[1] in ('approvals', 'approvals-of');
drop index approvals_by_payment;
drop index approvals_by_journal;
drop index approvals_by_what_wakes;
drop index approvals_by_age;
drop index approvals_unannounced;
