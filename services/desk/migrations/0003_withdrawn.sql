-- Whoever has proposed something may take it back, as long as nobody has decided about it.
alter table actions drop constraint actions_state_check;
alter table actions add constraint actions_state_check
    check (state in ('proposed', 'begun', 'done', 'failed', 'declined', 'withdrawn'));
alter table decisions drop constraint decisions_decision_check;
alter table decisions add constraint decisions_decision_check check (decision in ('approved', 'declined', 'withdrawn'));
