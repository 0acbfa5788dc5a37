-- Automatic settlement reads the open documents of one side of an account in the order in which they settle, a page at a time
-- (services/settlement/settling_order.py). What orders them stands in columns.
-- side: 0 raises the balance, 1 a payment, 2 a credit note; tiers: the cash discounts as [last day, percent, amount].
alter table documents
    add column side smallint not null default 0,
    add column kind text collate "C" not null default '',
    add column due_date date,
    add column date date,
    add column amount numeric not null default 0,
    add column open numeric not null default 0,
    add column net numeric not null default 0,
    add column credits text collate "C",
    add column tiers json;
update documents set
    side = case body->>3 when 'payment' then 1 when 'credit_note' then 2 else 0 end,
    kind = body->>3,
    due_date = (body->>7)::date,
    date = (body->>6)::date,
    amount = (body->>9)::numeric,
    open = (body->>13)::numeric,
    net = (body->>18)::numeric,
    credits = body->>21,
    tiers = (
        select json_agg(
            json_build_array(
                coalesce(tier->>'until', (((body->>6)::date + (tier->>'days')::int)::text)), tier->>'percent', tier->>'amount'
            ) order by place
        )
        from json_array_elements(body->17) with ordinality as e (tier, place)
    );
alter table documents
    alter column side drop default,
    alter column kind drop default,
    alter column due_date set not null,
    alter column date set not null,
    alter column amount drop default,
    alter column open drop default,
    alter column net drop default;
drop index documents_open;
-- Of documents without terms the index has the whole default order.
create index documents_open_plain on documents (account, ledger, company, currency, side, due_date, date, document)
    where automatic and tiers is null and credits is null;
create index documents_open_with_terms on documents (account, ledger, company, currency, side, due_date)
    where automatic and (tiers is not null or credits is not null);
