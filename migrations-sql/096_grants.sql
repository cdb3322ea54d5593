-- What the server may do. It runs as a login that is a member of this role, owns nothing and evades no policy;
-- `bun run db:roles` makes that login. Roles belong to the whole server, so this one may be there already.
DO $$
BEGIN
  IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'tenantry_app') THEN
    CREATE ROLE tenantry_app NOLOGIN;
  END IF;
END
$$;

GRANT USAGE ON SCHEMA public TO tenantry_app;
GRANT SELECT, INSERT, UPDATE, DELETE ON
  tenants, accounts, users, user_profiles, roles, permissions, role_permissions, user_roles, sessions, session_users, refresh_tokens, one_time_tokens,
  totp_factors, recovery_codes, passkeys, api_keys, invitations, idempotency_keys, rate_limits, signing_keys
  TO tenantry_app;
-- Reference rows come with the migrations; the audit log and its seals take new rows alone.
GRANT SELECT ON audit_archives TO tenantry_app;
GRANT SELECT, INSERT ON audit_log, audit_seals TO tenantry_app;
-- Of its keys none goes; `bun run keys reencrypt` writes them anew.
GRANT SELECT, INSERT, UPDATE ON audit_keys TO tenantry_app;
GRANT EXECUTE ON FUNCTION prepare_audit_partitions(integer) TO tenantry_app;
-- Of user_search nobody has a right: what is in it is found by this.
REVOKE EXECUTE ON FUNCTION find_users(text[], integer, text[]) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION find_users(text[], integer, text[]) TO tenantry_app;
