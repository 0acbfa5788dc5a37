-- The versions that were taken: one that was refused (a company's currency that was to change, say) never was in force.
create view reference_taken as
select h.* from reference_history h where not exists (
    select from refused_versions v where v.source = h.event_source and v.id = h.event_id and v.digest = h.digest
);
