-- Keys of reference data: parts of ids are escaped, so that `A/B`, `C` and `A`, `B/C` are two; a rate for all companies has an
-- empty first part, so that a company may be named `*`. Main accounts and accounts of a party stand in lists.
-- Every service has the table `reference`, from a file of its own; in a new schema that comes later, and there is nothing to change.
do $$ begin
if to_regclass('reference') is null then
    return;
end if;
update reference set data = jsonb_set(data::jsonb, '{accounts}', (
    select coalesce(jsonb_object_agg(key, case jsonb_typeof(value) when 'string' then jsonb_build_array(value) else value end), '{}')
    from jsonb_each(data::jsonb -> 'accounts')))::json
where type = 'company.defined' and data::jsonb ? 'accounts';
update reference set data = jsonb_set(jsonb_set(data::jsonb, '{customers}', (
    select coalesce(jsonb_object_agg(key, case jsonb_typeof(value) when 'string' then jsonb_build_array(value) else value end), '{}')
    from jsonb_each(data::jsonb -> 'customers'))), '{vendors}', (
    select coalesce(jsonb_object_agg(key, case jsonb_typeof(value) when 'string' then jsonb_build_array(value) else value end), '{}')
    from jsonb_each(data::jsonb -> 'vendors')))::json
where type = 'party.defined';

update reference set key = (
    select string_agg(replace(replace(part, '%', '%25'), '/', '%2F'), '/' order by number)
    from unnest(array[split_part(key, '/', 1)] || case type
        when 'company.defined' then array[data ->> 'company']
        when 'party.defined' then array[data ->> 'party']
        when 'centralized-payments.defined' then array[data ->> 'company']
        when 'centralized-payments-members.defined' then array[]::text[]
        when 'intercompany-accounting.defined' then array[data ->> 'company', data ->> 'partner']
        when 'settlement-parameters.defined' then array[data ->> 'company', data ->> 'ledger']
        when 'posting-profile.defined' then array[data ->> 'company', data ->> 'posting_profile']
        when 'methods-of-payment.defined' then array[data ->> 'company']
        when 'payment-journal.defined' then array[data ->> 'company', data ->> 'journal']
        when 'trading-relation.defined' then array[data -> 'seller' ->> 'company', data -> 'seller' ->> 'customer',
            data -> 'buyer' ->> 'company', data -> 'buyer' ->> 'vendor']
        when 'exchange-rate.published' then array[coalesce(data ->> 'company', ''), data ->> 'from', data ->> 'to', data ->> 'date']
        else array[data ->> 'company', data ->> 'from', data ->> 'to']
    end) with ordinality as parts (part, number));
end $$;
