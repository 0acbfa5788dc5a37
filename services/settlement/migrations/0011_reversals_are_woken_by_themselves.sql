-- The end of a run wakes the first of the runs that wait for its documents, and every reversal that does: they have keys of their own.
update waiting set
    wakes = 'free' || substr(wakes, length('reservation') + 1),
    body = jsonb_set(body::jsonb, '{need,2,0}', '"free"')::json
where wakes like 'reservation' || chr(31) || '%' and body->>'stage' = 'reversal';
