-- The rules of migrations-sql/ as of this migration.

-- From migrations-sql/010_extensions.sql
-- pg_trgm gives the index behind "search" (contains, any position) in lists of users.
CREATE EXTENSION IF NOT EXISTS pg_trgm WITH SCHEMA public;

-- From migrations-sql/020_tenants.sql
-- Tenants: what a row must be, whoever writes it.
ALTER TABLE tenants
  ADD CONSTRAINT tenants_soft_delete_check CHECK (is_deleted = (deleted_at IS NOT NULL)),
  ADD CONSTRAINT tenants_slug_check CHECK (slug ~ '^[a-z0-9]([a-z0-9-]*[a-z0-9])?$' AND length(slug) >= 2),
  ADD CONSTRAINT tenants_name_check CHECK (btrim(name) <> ''),
  ADD CONSTRAINT tenants_settings_check CHECK (jsonb_typeof(settings) = 'object'),
  ADD CONSTRAINT tenants_version_check CHECK (version > 0);

-- Lists show the newest first and never a deleted tenant.
CREATE INDEX tenants_live_created ON tenants (created_at, id) WHERE NOT is_deleted;

-- From migrations-sql/030_users.sql
-- Users: the e-mail rules, the soft delete and the log-in counters.
ALTER TABLE users
  ADD CONSTRAINT users_soft_delete_check CHECK (is_deleted = (deleted_at IS NOT NULL)),
  ADD CONSTRAINT users_email_lower_check CHECK (email = lower(email)),
  ADD CONSTRAINT users_email_format_check CHECK (email ~ '^[^@[:space:][:cntrl:]]{1,64}@[^@[:space:][:cntrl:]]+[.][^@[:space:][:cntrl:].]{2,}$'),
  -- An address is scoped to nothing or to the user's own tenant, never to another one.
  ADD CONSTRAINT users_email_scope_check CHECK (email_scope IS NULL OR email_scope IS NOT DISTINCT FROM tenant_id),
  ADD CONSTRAINT users_first_name_check CHECK (btrim(first_name) <> ''),
  ADD CONSTRAINT users_last_name_check CHECK (btrim(last_name) <> ''),
  ADD CONSTRAINT users_login_attempts_check CHECK (login_attempts BETWEEN 0 AND 1000),
  ADD CONSTRAINT users_locked_until_check CHECK (locked_until > created_at),
  ADD CONSTRAINT users_version_check CHECK (version > 0);

-- One account per address and scope among users that are not deleted; NULLS NOT DISTINCT makes the global scope (NULL)
-- one scope, where plain UNIQUE would let every NULL row in.
CREATE UNIQUE INDEX users_live_email ON users (email, email_scope) NULLS NOT DISTINCT WHERE NOT is_deleted;

-- Keyset pages of a tenant, one index a sort order.
CREATE INDEX users_live_created ON users (tenant_id, created_at, id) WHERE NOT is_deleted;
CREATE INDEX users_live_address ON users (tenant_id, email, id) WHERE NOT is_deleted;
CREATE INDEX users_live_name ON users (tenant_id, last_name, id) WHERE NOT is_deleted;

-- The same pages across tenants, for platform accounts.
CREATE INDEX users_live_platform_created ON users (created_at, id) WHERE NOT is_deleted;
CREATE INDEX users_live_platform_name ON users (last_name, id) WHERE NOT is_deleted;

-- What was deleted, to be restored.
CREATE INDEX users_deleted_created ON users (tenant_id, created_at, id) WHERE is_deleted;

CREATE INDEX users_live_search ON users
  USING gin (email gin_trgm_ops, first_name gin_trgm_ops, last_name gin_trgm_ops) WHERE NOT is_deleted;

-- From migrations-sql/040_user_profiles.sql
-- Profiles: E.164 phone numbers, BCP 47 language tags, JSON objects.
ALTER TABLE user_profiles
  ADD CONSTRAINT user_profiles_phone_check CHECK (phone ~ '^[+][1-9][0-9]{6,14}$'),
  ADD CONSTRAINT user_profiles_avatar_url_check CHECK (avatar_url ~ '^https://'),
  ADD CONSTRAINT user_profiles_timezone_check CHECK (btrim(timezone) <> ''),
  ADD CONSTRAINT user_profiles_language_check CHECK (language ~ '^[a-z]{2,3}(-[A-Za-z0-9]{2,8})*$'),
  ADD CONSTRAINT user_profiles_preferences_check CHECK (jsonb_typeof(preferences) = 'object');

CREATE INDEX user_profiles_with_phone ON user_profiles (phone) WHERE phone IS NOT NULL;

-- From migrations-sql/050_roles.sql
-- Roles: a name is unique within its tenant, and among the system roles (tenant_id NULL). Two partial indexes, and not
-- one with NULLS NOT DISTINCT: Prisma drops a full index that its schema does not name, and cannot say NULLS.
CREATE UNIQUE INDEX roles_tenant_name ON roles (tenant_id, name) WHERE tenant_id IS NOT NULL;
CREATE UNIQUE INDEX roles_system_name ON roles (name) WHERE tenant_id IS NULL;

ALTER TABLE roles ADD CONSTRAINT roles_name_check CHECK (name ~ '^[a-z][a-z0-9_]*$');
ALTER TABLE permissions ADD CONSTRAINT permissions_key_check CHECK (key ~ '^[a-z_]+:[a-z_]+$');

-- super_admin is for accounts without a tenant, whatever code grants it.
ALTER TABLE user_roles ADD CONSTRAINT user_roles_super_admin_check
  CHECK (tenant_id IS NULL OR role_id <> '00000000-0000-7000-8000-000000000001');

-- From migrations-sql/060_sessions.sql
-- Sessions and refresh tokens: expiries in order, revocation with its reason, hashes of the right length.
ALTER TABLE sessions
  ADD CONSTRAINT sessions_expiry_check CHECK (expires_at > created_at AND idle_expires_at > created_at AND idle_expires_at <= expires_at),
  ADD CONSTRAINT sessions_revoked_check CHECK ((revoked_at IS NULL) = (revoked_reason IS NULL)),
  ADD CONSTRAINT sessions_amr_check CHECK (cardinality(amr) > 0);

ALTER TABLE refresh_tokens
  ADD CONSTRAINT refresh_tokens_hash_check CHECK (octet_length(token_hash) = 32),
  ADD CONSTRAINT refresh_tokens_expiry_check CHECK (expires_at > created_at);

CREATE INDEX sessions_active ON sessions (user_id, created_at, id) WHERE revoked_at IS NULL;
CREATE INDEX sessions_lately_revoked ON sessions (revoked_at) WHERE revoked_at IS NOT NULL;
CREATE INDEX refresh_tokens_active ON refresh_tokens (session_id, expires_at) WHERE used_at IS NULL;

-- A session has one usable token at a time: two would be a forked family (RFC 9700, section 4.14.2).
CREATE UNIQUE INDEX refresh_tokens_one_unused ON refresh_tokens (session_id) WHERE used_at IS NULL;

-- From migrations-sql/070_audit_log.sql
-- The audit log is append-only: an attacker who reached the application must not be able to rewrite what it did.
ALTER TABLE audit_log
  ADD CONSTRAINT audit_log_action_check CHECK (action ~ '^[a-z_]+([.][a-z_]+)+$'),
  ADD CONSTRAINT audit_log_resource_type_check CHECK (resource_type ~ '^[a-z_]+$'),
  ADD CONSTRAINT audit_log_details_check CHECK (jsonb_typeof(details) = 'object');

CREATE FUNCTION refuse_audit_log_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'audit_log is append-only: % refused', TG_OP USING ERRCODE = 'insufficient_privilege';
END
$$;

CREATE TRIGGER audit_log_append_only BEFORE UPDATE OR DELETE ON audit_log
  FOR EACH ROW EXECUTE FUNCTION refuse_audit_log_change();
CREATE TRIGGER audit_log_no_truncate BEFORE TRUNCATE ON audit_log
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_audit_log_change();

-- From migrations-sql/080_notifications.sql
-- What every running instance must hear at once. Triggers send it, so that no code path, and no operator at a prompt,
-- can revoke a session or change a grant silently.
CREATE FUNCTION notify_session_revoked() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  PERFORM pg_notify('session_revoked', OLD.id::text);
  RETURN NULL;
END
$$;

-- A refresh updates its session too: the WHEN keeps the function call off that path.
CREATE TRIGGER sessions_notify_revoked AFTER UPDATE OF revoked_at ON sessions
  FOR EACH ROW WHEN (OLD.revoked_at IS NULL AND NEW.revoked_at IS NOT NULL)
  EXECUTE FUNCTION notify_session_revoked();
CREATE TRIGGER sessions_notify_deleted AFTER DELETE ON sessions
  FOR EACH ROW EXECUTE FUNCTION notify_session_revoked();

CREATE FUNCTION notify_user_grants() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  PERFORM pg_notify('grants_changed', coalesce(NEW.user_id, OLD.user_id)::text);
  RETURN NULL;
END
$$;

CREATE TRIGGER user_roles_notify AFTER INSERT OR UPDATE OR DELETE ON user_roles
  FOR EACH ROW EXECUTE FUNCTION notify_user_grants();

-- A role's permissions concern everybody who holds it: all grants are read again.
CREATE FUNCTION notify_all_grants() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  PERFORM pg_notify('grants_changed', '*');
  RETURN NULL;
END
$$;

CREATE TRIGGER role_permissions_notify AFTER INSERT OR UPDATE OR DELETE ON role_permissions
  FOR EACH STATEMENT EXECUTE FUNCTION notify_all_grants();

-- From migrations-sql/090_system_roles.sql
-- The permissions that the code asks for and the five system roles. Rows, not types: roles are data. Ids are fixed so
-- that every installation has the same ones. Written to be run again.
INSERT INTO permissions (key, description) VALUES
  ('tenant:create', 'Create tenants'),
  ('tenant:list', 'List all tenants'),
  ('tenant:read', 'See a tenant'),
  ('tenant:update', 'Change a tenant''s name and settings'),
  ('tenant:delete', 'Delete a tenant'),
  ('tenant:suspend', 'Suspend and activate tenants'),
  ('user:create', 'Create users'),
  ('user:read', 'See users and their profiles'),
  ('user:update', 'Change users, their status and profiles'),
  ('user:delete', 'Delete users'),
  ('user:restore', 'Restore deleted users'),
  ('role:create', 'Create roles'),
  ('role:read', 'See roles and permissions'),
  ('role:update', 'Change roles'),
  ('role:delete', 'Delete roles'),
  ('role:assign', 'Give and take roles'),
  ('session:read', 'See other users'' sessions'),
  ('session:revoke', 'End other users'' sessions'),
  ('audit:read', 'Read the audit log'),
  ('audit:export', 'Export the audit log')
ON CONFLICT (key) DO UPDATE SET description = EXCLUDED.description;

INSERT INTO roles (id, name, description) VALUES
  ('00000000-0000-7000-8000-000000000001', 'super_admin', 'Runs the installation; belongs to no tenant'),
  ('00000000-0000-7000-8000-000000000002', 'owner', 'Holds every right within the tenant'),
  ('00000000-0000-7000-8000-000000000003', 'admin', 'Runs the tenant from day to day'),
  ('00000000-0000-7000-8000-000000000004', 'member', 'Works in the tenant'),
  ('00000000-0000-7000-8000-000000000005', 'auditor', 'Reads the tenant''s users, sessions and audit log')
ON CONFLICT (id) DO UPDATE SET description = EXCLUDED.description;

-- super_admin holds everything; owner everything but the running of the platform; admin may not delete the tenant.
INSERT INTO role_permissions (role_id, permission_key)
SELECT roles.id, permissions.key
FROM roles, permissions
WHERE roles.tenant_id IS NULL AND CASE roles.name
  WHEN 'super_admin' THEN true
  WHEN 'owner' THEN key NOT IN ('tenant:create', 'tenant:list', 'tenant:suspend')
  WHEN 'admin' THEN key NOT IN ('tenant:create', 'tenant:list', 'tenant:suspend', 'tenant:delete')
  WHEN 'member' THEN key IN ('tenant:read', 'user:read')
  WHEN 'auditor' THEN key IN ('tenant:read', 'user:read', 'role:read', 'session:read', 'audit:read', 'audit:export')
END
ON CONFLICT DO NOTHING;
