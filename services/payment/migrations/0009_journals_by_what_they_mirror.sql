-- A trace asks for the sales payment journals of a vendor payment, by its event and by its document.
create index journals_by_payer on journals ((data->'payer'->>1));
create index journals_by_mirrored on journals ((data->'mirrors'->>0), (data->'mirrors'->>1)) where (data->'mirrors'->>0) is not null;
