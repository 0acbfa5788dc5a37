-- The same event with the same fault is the same refusal. When it came once more is noted, so that who had it sent again sees that it
-- was refused again.
alter table rejections add column again_at timestamptz;
