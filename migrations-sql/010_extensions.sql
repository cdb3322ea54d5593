-- pg_trgm gives the index behind "search" (contains, any position) in lists of users.
CREATE EXTENSION IF NOT EXISTS pg_trgm WITH SCHEMA public;
-- btree_gist compares texts in the constraint on tenants' names that look alike.
CREATE EXTENSION IF NOT EXISTS btree_gist WITH SCHEMA public;
-- btree_gin puts the tenant beside the trigrams of a text, in one index.
CREATE EXTENSION IF NOT EXISTS btree_gin WITH SCHEMA public;
-- unaccent lets "Zoe" find "Zoë".
CREATE EXTENSION IF NOT EXISTS unaccent WITH SCHEMA public;

-- An id as the server makes them (UUIDv7, RFC 9562): milliseconds first, so that rows lie in the order of their making.
CREATE FUNCTION new_id() RETURNS uuid LANGUAGE sql VOLATILE PARALLEL SAFE AS $$
  SELECT encode(set_bit(set_bit(overlay(uuid_send(gen_random_uuid())
    PLACING substring(int8send((extract(epoch FROM clock_timestamp()) * 1000)::bigint) FROM 3) FROM 1 FOR 6), 52, 1), 53, 1), 'hex')::uuid
$$;

-- Whose rows the statements after it see (095_row_level_security.sql). Answers whose it was before: who changes it puts it back. A
-- function cannot say that in its head, where only a superuser may set what no extension has defined, and the owner is none.
CREATE FUNCTION change_scope(scope text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
  before CONSTANT text := coalesce(current_setting('tenantry.scope', true), '');
BEGIN
  PERFORM set_config('tenantry.scope', scope, true);
  RETURN before;
END
$$;
