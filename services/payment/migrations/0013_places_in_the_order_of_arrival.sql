-- Places in the order of arrival are drawn in ranges, one for each transaction, so that instances do not wait for one another. In a
-- transaction there are far fewer than a range has.
create sequence arrivals increment by 1048576;
select setval('arrivals', greatest((select coalesce(max(sequence), 0) from waiting), 1));
