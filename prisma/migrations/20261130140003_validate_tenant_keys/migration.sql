-- Rows from before the keys. No lock here keeps anybody from reading or writing. The scope is for VALIDATE too, which sees
-- no more than the owner of the tables does.
SET LOCAL tenantry.scope = 'platform';

-- Whoever joined another tenant left these behind in the one before. They are of no use: revoked, used, or answers of it.
DELETE FROM api_keys USING users WHERE users.id = user_id AND users.tenant_id IS DISTINCT FROM api_keys.tenant_id;
DELETE FROM one_time_tokens USING users WHERE users.id = user_id AND users.tenant_id IS DISTINCT FROM one_time_tokens.tenant_id;
DELETE FROM idempotency_keys WHERE NOT EXISTS (
  SELECT FROM users WHERE users.id = user_id AND users.tenant_id IS NOT DISTINCT FROM idempotency_keys.tenant_id);
-- Their ended sessions stay, for instances that have not heard of the end. Device and network are no business of the
-- tenant that they are with now. The refresh tokens follow by ON UPDATE CASCADE.
UPDATE sessions SET tenant_id = users.tenant_id, device_name = NULL, user_agent = NULL, ip = NULL
FROM users
WHERE users.id = user_id AND users.tenant_id IS DISTINCT FROM sessions.tenant_id AND revoked_at IS NOT NULL;

-- Anything else was written past the server: somebody should look at it before it goes, so nothing is deleted here.
DO $$
DECLARE
  found text;
BEGIN
  SELECT string_agg(format('%s: %s', name, rows), ', ') INTO found FROM (VALUES
    ('user_profiles', (SELECT count(*) FROM user_profiles JOIN users AS named ON named.id = user_profiles.user_id WHERE named.tenant_id IS DISTINCT FROM user_profiles.tenant_id)),
    ('user_roles', (SELECT count(*) FROM user_roles JOIN users AS named ON named.id = user_roles.user_id WHERE named.tenant_id IS DISTINCT FROM user_roles.tenant_id)),
    ('sessions', (SELECT count(*) FROM sessions JOIN users AS named ON named.id = sessions.user_id WHERE named.tenant_id IS DISTINCT FROM sessions.tenant_id)),
    ('one_time_tokens', (SELECT count(*) FROM one_time_tokens JOIN users AS named ON named.id = one_time_tokens.user_id WHERE named.tenant_id IS DISTINCT FROM one_time_tokens.tenant_id)),
    ('totp_factors', (SELECT count(*) FROM totp_factors JOIN users AS named ON named.id = totp_factors.user_id WHERE named.tenant_id IS DISTINCT FROM totp_factors.tenant_id)),
    ('recovery_codes', (SELECT count(*) FROM recovery_codes JOIN users AS named ON named.id = recovery_codes.user_id WHERE named.tenant_id IS DISTINCT FROM recovery_codes.tenant_id)),
    ('passkeys', (SELECT count(*) FROM passkeys JOIN users AS named ON named.id = passkeys.user_id WHERE named.tenant_id IS DISTINCT FROM passkeys.tenant_id)),
    ('api_keys', (SELECT count(*) FROM api_keys JOIN users AS named ON named.id = api_keys.user_id WHERE named.tenant_id IS DISTINCT FROM api_keys.tenant_id)),
    ('idempotency_keys', (SELECT count(*) FROM idempotency_keys JOIN users AS named ON named.id = idempotency_keys.user_id WHERE named.tenant_id IS DISTINCT FROM idempotency_keys.tenant_id)),
    ('refresh_tokens', (SELECT count(*) FROM refresh_tokens JOIN sessions AS named ON named.id = refresh_tokens.session_id WHERE named.tenant_id IS DISTINCT FROM refresh_tokens.tenant_id)),
    ('role_permissions', (SELECT count(*) FROM role_permissions JOIN roles AS named ON named.id = role_permissions.role_id WHERE named.tenant_id IS DISTINCT FROM role_permissions.tenant_id)),
    ('user_roles (role)', (SELECT count(*) FROM user_roles JOIN roles AS named ON named.id = role_id WHERE named.tenant_id <> user_roles.tenant_id OR (named.tenant_id IS NOT NULL AND user_roles.tenant_id IS NULL)))
  ) AS broken (name, rows) WHERE rows > 0;
  IF found IS NOT NULL THEN
    RAISE EXCEPTION 'rows name rows of another tenant: %', found USING
      ERRCODE = 'integrity_constraint_violation',
      DETAIL = 'The server does not write such rows, so something else has. New ones are refused already.',
      HINT = 'Look at them and delete them, then: bunx prisma migrate resolve --rolled-back 20261130140003_validate_tenant_keys, and deploy again.';
  END IF;
END
$$;

ALTER TABLE user_profiles VALIDATE CONSTRAINT user_profiles_user_tenant_fkey;
ALTER TABLE user_roles VALIDATE CONSTRAINT user_roles_user_tenant_fkey;
ALTER TABLE sessions VALIDATE CONSTRAINT sessions_user_tenant_fkey;
ALTER TABLE one_time_tokens VALIDATE CONSTRAINT one_time_tokens_user_tenant_fkey;
ALTER TABLE totp_factors VALIDATE CONSTRAINT totp_factors_user_tenant_fkey;
ALTER TABLE recovery_codes VALIDATE CONSTRAINT recovery_codes_user_tenant_fkey;
ALTER TABLE passkeys VALIDATE CONSTRAINT passkeys_user_tenant_fkey;
ALTER TABLE api_keys VALIDATE CONSTRAINT api_keys_user_tenant_fkey;
ALTER TABLE idempotency_keys VALIDATE CONSTRAINT idempotency_keys_user_tenant_fkey;
ALTER TABLE refresh_tokens VALIDATE CONSTRAINT refresh_tokens_session_tenant_fkey;
ALTER TABLE role_permissions VALIDATE CONSTRAINT role_permissions_role_tenant_fkey;
ALTER TABLE idempotency_keys VALIDATE CONSTRAINT idempotency_keys_user_id_fkey;
