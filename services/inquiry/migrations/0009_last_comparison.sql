-- The last comparison of the services' books, made every CHECK_EVERY by the process of this service: what /checks and the metrics show.
-- runs: by comparison (reconcile, inquiry) how long it took, how many found a difference one after the other, and its checks.
create table last_comparison (
    is_last boolean primary key default true check (is_last),
    began_at timestamptz not null,
    ended_at timestamptz not null,
    runs json not null
);
