-- The second fence of tenant isolation. The server names its scope with every transaction (src/db/scope.ts): a tenant's
-- id, or "platform" for platform accounts, log-ins and background work. Without a scope no row of a tenant is seen.
-- FORCE holds the owner to it too; a migration that changes rows begins with SET LOCAL tenantry.scope = 'platform'.
-- A CASE and not an IN: PostgreSQL takes that for a rare match, and would sort whole tenants rather than walk an index.
CREATE FUNCTION in_scope(row_tenant uuid, scope text) RETURNS boolean LANGUAGE sql IMMUTABLE PARALLEL SAFE
  RETURN CASE scope WHEN 'platform' THEN true WHEN row_tenant::text THEN true ELSE false END;

-- Both are written out into the query, as long as they use each argument once. This one reads the setting for every row: a
-- microsecond. Reading it once a statement, as a SELECT within the policy does, costs two or three of them for each table of
-- each query: worth it where lists and searches walk through rows, which is users and audit_log.
CREATE FUNCTION in_scope(row_tenant uuid) RETURNS boolean LANGUAGE sql STABLE PARALLEL SAFE
  RETURN in_scope(row_tenant, current_setting('tenantry.scope', true));

-- What an account has is its own, whatever tenant it speaks for: of each request of a session the server names the account
-- too. A tenant sees the accounts of its own pool and nothing of shared ones, but for the users that they are in it.
CREATE FUNCTION in_account(row_account uuid) RETURNS boolean LANGUAGE sql STABLE PARALLEL SAFE
  RETURN CASE current_setting('tenantry.scope', true)
    WHEN 'platform' THEN true
    ELSE row_account::text = current_setting('tenantry.account', true)
  END;

ALTER TABLE tenants ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant_scope ON tenants USING (in_scope(id)) WITH CHECK (in_scope(id));

ALTER TABLE users ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant_scope ON users
  USING (in_scope(tenant_id, (SELECT current_setting('tenantry.scope', true))))
  WITH CHECK (in_scope(tenant_id, (SELECT current_setting('tenantry.scope', true))));

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

ALTER TABLE one_time_tokens ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant_scope ON one_time_tokens USING (in_scope(tenant_id)) WITH CHECK (in_scope(tenant_id));

ALTER TABLE accounts ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY account_scope ON accounts USING (in_account(id)) WITH CHECK (in_account(id));
CREATE POLICY own_pool ON accounts USING (in_scope(pool_id)) WITH CHECK (in_scope(pool_id));

ALTER TABLE totp_factors ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY account_scope ON totp_factors USING (in_account(account_id)) WITH CHECK (in_account(account_id));
CREATE POLICY own_pool ON totp_factors USING (EXISTS (SELECT FROM accounts WHERE accounts.id = account_id AND in_scope(accounts.pool_id)));

ALTER TABLE recovery_codes ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY account_scope ON recovery_codes USING (in_account(account_id)) WITH CHECK (in_account(account_id));
CREATE POLICY own_pool ON recovery_codes USING (EXISTS (SELECT FROM accounts WHERE accounts.id = account_id AND in_scope(accounts.pool_id)));

ALTER TABLE passkeys ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY account_scope ON passkeys USING (in_account(account_id)) WITH CHECK (in_account(account_id));
CREATE POLICY own_pool ON passkeys USING (EXISTS (SELECT FROM accounts WHERE accounts.id = account_id AND in_scope(accounts.pool_id)));

-- What else lets somebody see a session, looked at with their eyes. Functions, so that none of it stands in the plan of what the
-- platform asks, whom the first half of each policy lets in: four more tables in each statement cost a refresh a tenth.
CREATE FUNCTION sees_account(account uuid) RETURNS boolean LANGUAGE plpgsql STABLE AS $$
BEGIN
  RETURN EXISTS (SELECT FROM public.accounts WHERE id = account AND public.in_scope(pool_id));
END
$$;
CREATE FUNCTION has_spoken(session uuid) RETURNS boolean LANGUAGE plpgsql STABLE AS $$
BEGIN
  RETURN EXISTS (SELECT FROM public.session_users WHERE session_id = session);
END
$$;

-- A tenant reads of the sessions that have spoken for it, and ends what they may do in it, which is a row of session_users.
ALTER TABLE sessions ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY account_scope ON sessions
  USING (in_account(account_id) OR sees_account(account_id)) WITH CHECK (in_account(account_id) OR sees_account(account_id));
CREATE POLICY spoken_for ON sessions FOR SELECT USING (in_account(account_id) OR has_spoken(id));

ALTER TABLE session_users ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant_scope ON session_users USING (in_scope(tenant_id)) WITH CHECK (in_scope(tenant_id));

ALTER TABLE refresh_tokens ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY platform ON refresh_tokens USING (in_scope(NULL)) WITH CHECK (in_scope(NULL));

ALTER TABLE api_keys ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant_scope ON api_keys USING (in_scope(tenant_id)) WITH CHECK (in_scope(tenant_id));

ALTER TABLE invitations ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant_scope ON invitations USING (in_scope(tenant_id)) WITH CHECK (in_scope(tenant_id));

ALTER TABLE idempotency_keys ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant_scope ON idempotency_keys USING (in_scope(tenant_id)) WITH CHECK (in_scope(tenant_id));

ALTER TABLE audit_log ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant_scope ON audit_log
  USING (in_scope(tenant_id, (SELECT current_setting('tenantry.scope', true))))
  WITH CHECK (in_scope(tenant_id, (SELECT current_setting('tenantry.scope', true))));

ALTER TABLE audit_seals ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant_scope ON audit_seals USING (in_scope(tenant_id)) WITH CHECK (in_scope(tenant_id));
