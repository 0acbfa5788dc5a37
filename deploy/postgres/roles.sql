-- The roles of the system, for psql as a role that may create roles, in the system's database:
--
--   psql --file deploy/postgres/roles.sql [--variable prefix=intercompany_NAMESPACE_] postgresql://…/intercompany
--
-- Passwords come from the environment (OWNER_PASSWORD, PAYMENT_PASSWORD, SETTLEMENT_PASSWORD, POSTING_PASSWORD,
-- INQUIRY_PASSWORD, READER_PASSWORD, OPERATOR_PASSWORD, WEB_PASSWORD), each from a secret; a role whose variable is not set keeps the
-- one it has, or proves itself otherwise (certificate, cloud identity). Where statements are logged give SCRAM verifiers
-- ('SCRAM-SHA-256$…'), PostgreSQL takes them in a password's place. Running it again changes only what is given a new value.
--
-- What each may do in the schemas is granted by `intercompany migrate`, run as the owner: each service has the rows of its
-- own schema, `inquiry` reads the others too (it compares the books, CHECK_EVERY), `reader` reads them all, `operator` and `web`
-- (the HTTP API) read and do what the commands for operators need, and add to the audit of that, in the schema `desk`.
\set ON_ERROR_STOP on
\if :{?prefix}
\else
    \set prefix intercompany_
\endif
\getenv owner_password OWNER_PASSWORD
\getenv payment_password PAYMENT_PASSWORD
\getenv settlement_password SETTLEMENT_PASSWORD
\getenv posting_password POSTING_PASSWORD
\getenv inquiry_password INQUIRY_PASSWORD
\getenv reader_password READER_PASSWORD
\getenv operator_password OPERATOR_PASSWORD
\getenv web_password WEB_PASSWORD

\set owner :prefix owner
\set payment :prefix payment
\set settlement :prefix settlement
\set posting :prefix posting
\set inquiry :prefix inquiry
\set reader :prefix reader
\set operator :prefix operator
\set web :prefix web

select format('create role %I login', name)
from unnest(array[:'owner', :'payment', :'settlement', :'posting', :'inquiry', :'reader', :'operator', :'web']) as name
where not exists (select from pg_roles where rolname = name) \gexec

\if :{?owner_password}
    alter role :"owner" password :'owner_password';
\endif
\if :{?payment_password}
    alter role :"payment" password :'payment_password';
\endif
\if :{?settlement_password}
    alter role :"settlement" password :'settlement_password';
\endif
\if :{?posting_password}
    alter role :"posting" password :'posting_password';
\endif
\if :{?inquiry_password}
    alter role :"inquiry" password :'inquiry_password';
\endif
\if :{?reader_password}
    alter role :"reader" password :'reader_password';
\endif
\if :{?operator_password}
    alter role :"operator" password :'operator_password';
\endif
\if :{?web_password}
    alter role :"web" password :'web_password';
\endif

-- Nobody is let in by default; the owner alone may make schemas.
select current_database() as database \gset
revoke all on database :"database" from public;
revoke all on schema public from public;
grant connect on database :"database"
to :"owner", :"payment", :"settlement", :"posting", :"inquiry", :"reader", :"operator", :"web";
grant create on database :"database" to :"owner";
