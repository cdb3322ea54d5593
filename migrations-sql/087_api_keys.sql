-- API keys and service accounts.
ALTER TABLE api_keys
  ADD CONSTRAINT api_keys_hash_check CHECK (octet_length(key_hash) = 32),
  ADD CONSTRAINT api_keys_prefix_check CHECK (prefix ~ '^tnk_[a-z0-9]{8}$'),
  ADD CONSTRAINT api_keys_name_check CHECK (btrim(name) <> ''),
  ADD CONSTRAINT api_keys_scopes_check CHECK (cardinality(scopes) > 0),
  ADD CONSTRAINT api_keys_expiry_check CHECK (expires_at > created_at);

CREATE INDEX api_keys_live_created ON api_keys (user_id, created_at, id) WHERE revoked_at IS NULL;
CREATE INDEX api_keys_live_tenant ON api_keys (tenant_id) WHERE revoked_at IS NULL;
CREATE INDEX users_live_services ON users (tenant_id, created_at, id) WHERE kind = 'service' AND NOT is_deleted;

-- Nobody logs in as a machine: it has no account, and no mail finds it.
ALTER TABLE users ADD CONSTRAINT users_service_check
  CHECK (kind = 'person' AND email NOT LIKE '%@service.invalid' OR kind = 'service' AND email LIKE '%@service.invalid');

-- Instances remember keys that they have seen. Whatever takes a key its power makes them look again.
CREATE FUNCTION notify_api_keys() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  PERFORM pg_notify('api_keys_changed', '*');
  RETURN NULL;
END
$$;

CREATE TRIGGER api_keys_notify AFTER UPDATE OF revoked_at, scopes, expires_at, user_id ON api_keys
  FOR EACH STATEMENT EXECUTE FUNCTION notify_api_keys();
CREATE TRIGGER api_keys_notify_deleted AFTER DELETE ON api_keys
  FOR EACH STATEMENT EXECUTE FUNCTION notify_api_keys();
CREATE TRIGGER users_notify_api_keys AFTER UPDATE OF status, is_deleted ON users
  FOR EACH ROW WHEN (OLD.status <> NEW.status OR OLD.is_deleted <> NEW.is_deleted)
  EXECUTE FUNCTION notify_api_keys();
CREATE TRIGGER tenants_notify_api_keys AFTER UPDATE OF status, is_deleted ON tenants
  FOR EACH ROW WHEN (OLD.status <> NEW.status OR OLD.is_deleted <> NEW.is_deleted)
  EXECUTE FUNCTION notify_api_keys();
