-- Signing keys: their order in time, and a word to every instance when one comes, changes or goes.
ALTER TABLE signing_keys
  ADD CONSTRAINT signing_keys_retired_check CHECK (retired_at >= activates_at),
  ADD CONSTRAINT signing_keys_algorithm_check CHECK (algorithm ~ '^(ES256|EdDSA)$');

CREATE FUNCTION notify_signing_keys() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  PERFORM pg_notify('signing_keys_changed', '');
  RETURN NULL;
END
$$;

CREATE TRIGGER signing_keys_notify AFTER INSERT OR UPDATE OR DELETE ON signing_keys
  FOR EACH STATEMENT EXECUTE FUNCTION notify_signing_keys();
