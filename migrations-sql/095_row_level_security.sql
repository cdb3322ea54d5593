-- The second fence of tenant isolation. The server names its scope with every transaction (src/db/scope.ts): a tenant's
-- id, or "platform" for platform accounts, log-ins and background work. Without a scope no row of a tenant is seen.
-- FORCE holds the owner to it too; a migration that changes rows begins with SET LOCAL tenantry.scope = 'platform'.
-- A CASE and not an IN: PostgreSQL takes that for a rare match, and would sort whole tenants rather than walk an index.
CREATE FUNCTION in_scope(row_tenant uuid) RETURNS boolean LANGUAGE sql STABLE PARALLEL SAFE
  RETURN CASE current_setting('tenantry.scope', true)
    WHEN 'platform' THEN true
    ELSE row_tenant::text = current_setting('tenantry.scope', true)
  END;

ALTER TABLE tenants ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant_scope ON tenants USING (in_scope(id)) WITH CHECK (in_scope(id));

ALTER TABLE users ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant_scope ON users USING (in_scope(tenant_id)) WITH CHECK (in_scope(tenant_id));

ALTER TABLE user_profiles ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant_scope ON user_profiles USING (in_scope(tenant_id)) WITH CHECK (in_scope(tenant_id));

-- System roles belong to no tenant: everybody sees them, and only the platform could change them.
ALTER TABLE roles ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant_scope ON roles USING (in_scope(tenant_id)) WITH CHECK (in_scope(tenant_id));
CREATE POLICY system_roles ON roles FOR SELECT USING (tenant_id IS NULL);

ALTER TABLE role_permissions ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant_scope ON role_permissions USING (in_scope(tenant_id)) WITH CHECK (in_scope(tenant_id));
CREATE POLICY system_roles ON role_permissions FOR SELECT USING (tenant_id IS NULL);

-- What everybody may read. The server writes an application's permissions alone, and for the platform alone. Not forced:
-- Tenantry's own come with migrations, which the owner runs.
ALTER TABLE permissions ENABLE ROW LEVEL SECURITY;
CREATE POLICY everybodys ON permissions FOR SELECT USING (true);
CREATE POLICY of_applications ON permissions
  USING (key LIKE '%:%:%' AND in_scope(NULL)) WITH CHECK (key LIKE '%:%:%' AND in_scope(NULL));

ALTER TABLE user_roles ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant_scope ON user_roles USING (in_scope(tenant_id)) WITH CHECK (in_scope(tenant_id));

ALTER TABLE sessions ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant_scope ON sessions USING (in_scope(tenant_id)) WITH CHECK (in_scope(tenant_id));

ALTER TABLE refresh_tokens ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant_scope ON refresh_tokens USING (in_scope(tenant_id)) WITH CHECK (in_scope(tenant_id));

ALTER TABLE one_time_tokens ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant_scope ON one_time_tokens USING (in_scope(tenant_id)) WITH CHECK (in_scope(tenant_id));

ALTER TABLE totp_factors ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant_scope ON totp_factors USING (in_scope(tenant_id)) WITH CHECK (in_scope(tenant_id));

ALTER TABLE recovery_codes ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant_scope ON recovery_codes USING (in_scope(tenant_id)) WITH CHECK (in_scope(tenant_id));

ALTER TABLE passkeys ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant_scope ON passkeys USING (in_scope(tenant_id)) WITH CHECK (in_scope(tenant_id));

ALTER TABLE api_keys ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant_scope ON api_keys USING (in_scope(tenant_id)) WITH CHECK (in_scope(tenant_id));

ALTER TABLE invitations ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant_scope ON invitations USING (in_scope(tenant_id)) WITH CHECK (in_scope(tenant_id));

ALTER TABLE idempotency_keys ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant_scope ON idempotency_keys USING (in_scope(tenant_id)) WITH CHECK (in_scope(tenant_id));

ALTER TABLE audit_log ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant_scope ON audit_log USING (in_scope(tenant_id)) WITH CHECK (in_scope(tenant_id));

ALTER TABLE audit_seals ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant_scope ON audit_seals USING (in_scope(tenant_id)) WITH CHECK (in_scope(tenant_id));
