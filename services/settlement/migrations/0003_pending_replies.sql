-- Replies of the payment service are counted by how many there are to be of each, instead of as a fraction: [run, requested,
-- [[reply_count, messages], ...]]. What was p/q until now is p messages of q.
alter table answers rename to pending_replies;
update pending_replies set body = json_build_array(
    body->0, body->1, case when body->2->>0 = '0' then '[]'::json else json_build_array(json_build_array(body->2->1, body->2->0)) end
);

-- The number of those messages is called reply_count in what waits, too; the message's data is a text in `body`.
update waiting set body = replace(body::text, '\"answers\":', '\"reply_count\":')::json
where body->'message'->>'type' like 'sales-payment-journal.%';
