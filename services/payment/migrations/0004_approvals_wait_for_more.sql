-- Approvals wait for more than their journal: for the account, the rate and the period that posting it needs. `wakes` says what
-- lets one go on, as in `waiting`, and a need holds it beside its reason.
alter table approvals add column wakes text collate "C" not null default '';
update approvals set
    wakes = jsonb_build_array('journal', company, data::jsonb->>4)::text,
    data = jsonb_set(data::jsonb, '{9}', jsonb_build_array(
        'document', jsonb_build_object('company', company, 'journal', data::jsonb->>3, 'document', data::jsonb->>4),
        jsonb_build_array('journal', company, data::jsonb->>4)))::json;
update approvals set wakes = replace(wakes, '", "', '","');
create index approvals_by_what_wakes on approvals (wakes);

update waiting set data = jsonb_set(data::jsonb, '{1,2}', wakes::jsonb)::json;
