-- A voucher is written and read whole, so its lines stand in its own row, as one JSON text (services/posting/stored_tables.py):
-- a third of the bytes and index entries of a row for each line. The table's name stays, as what shows them as rows.
alter table vouchers add column lines text;
update vouchers v set lines = (
    select coalesce(json_agg(json_build_array(
        posting_type, account, partner, party, party_account, settles, currency,
        debit::text, credit::text, accounting_debit::text, accounting_credit::text, dimensions, text, rule
    ) order by line), '[]')::text
    from lines l where (l.company, l.series, l.number) = (v.company, v.series, v.number));
alter table vouchers alter column lines set not null;
drop table lines;
create view lines as
select company, series, number, place::int as line,
    e->>0 as posting_type, e->>1 as account, e->>2 as partner, e->>3 as party, e->>4 as party_account, e->>5 as settles, e->>6 as currency,
    (e->>7)::numeric as debit, (e->>8)::numeric as credit,
    (e->>9)::numeric as accounting_debit, (e->>10)::numeric as accounting_credit,
    case when json_typeof(e->11) = 'object' then e->11 end as dimensions, e->>12 as text, e->>13 as rule
from vouchers cross join lateral json_array_elements(lines::json) with ordinality as l (e, place);
