-- What a journal says of the replies to its run is called reply_count.
update journals set data = (data::jsonb - 'answers' || jsonb_build_object('reply_count', data::jsonb->'answers'))::json;
