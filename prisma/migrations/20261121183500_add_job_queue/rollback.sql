-- The queue goes with the jobs in it.
DROP SCHEMA pgboss CASCADE;
