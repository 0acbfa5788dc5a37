-- An invoice without lines of its own was kept with a null for them; lines are a list, and none stand for the default line.
-- Amounts in the message's data are texts, so that they pass through jsonb unchanged.
update waiting set body = jsonb_set(body::jsonb, '{message,data}', to_jsonb(((body->'message'->>'data')::jsonb - 'lines')::text))::json
where body->'message'->>'type' in ('customer-invoice.posted', 'vendor-invoice.posted')
and (body->'message'->>'data')::jsonb->'lines' = 'null'::jsonb;
