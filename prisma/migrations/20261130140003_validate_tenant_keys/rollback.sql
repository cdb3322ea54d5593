-- The keys hold as before for what is written; what the migration deleted was of no use.
ALTER TABLE user_profiles DROP CONSTRAINT user_profiles_user_tenant_fkey;
ALTER TABLE user_profiles ADD CONSTRAINT user_profiles_user_tenant_fkey FOREIGN KEY (user_id, tenant_id)
  REFERENCES users (id, tenant_id) ON DELETE CASCADE ON UPDATE CASCADE NOT VALID;
ALTER TABLE user_roles DROP CONSTRAINT user_roles_user_tenant_fkey;
ALTER TABLE user_roles ADD CONSTRAINT user_roles_user_tenant_fkey FOREIGN KEY (user_id, tenant_id)
  REFERENCES users (id, tenant_id) ON DELETE CASCADE ON UPDATE CASCADE NOT VALID;
ALTER TABLE sessions DROP CONSTRAINT sessions_user_tenant_fkey;
ALTER TABLE sessions ADD CONSTRAINT sessions_user_tenant_fkey FOREIGN KEY (user_id, tenant_id)
  REFERENCES users (id, tenant_id) ON DELETE CASCADE ON UPDATE CASCADE NOT VALID;
ALTER TABLE one_time_tokens DROP CONSTRAINT one_time_tokens_user_tenant_fkey;
ALTER TABLE one_time_tokens ADD CONSTRAINT one_time_tokens_user_tenant_fkey FOREIGN KEY (user_id, tenant_id)
  REFERENCES users (id, tenant_id) ON DELETE CASCADE ON UPDATE CASCADE NOT VALID;
ALTER TABLE totp_factors DROP CONSTRAINT totp_factors_user_tenant_fkey;
ALTER TABLE totp_factors ADD CONSTRAINT totp_factors_user_tenant_fkey FOREIGN KEY (user_id, tenant_id)
  REFERENCES users (id, tenant_id) ON DELETE CASCADE ON UPDATE CASCADE NOT VALID;
ALTER TABLE recovery_codes DROP CONSTRAINT recovery_codes_user_tenant_fkey;
ALTER TABLE recovery_codes ADD CONSTRAINT recovery_codes_user_tenant_fkey FOREIGN KEY (user_id, tenant_id)
  REFERENCES users (id, tenant_id) ON DELETE CASCADE ON UPDATE CASCADE NOT VALID;
ALTER TABLE passkeys DROP CONSTRAINT passkeys_user_tenant_fkey;
ALTER TABLE passkeys ADD CONSTRAINT passkeys_user_tenant_fkey FOREIGN KEY (user_id, tenant_id)
  REFERENCES users (id, tenant_id) ON DELETE CASCADE ON UPDATE CASCADE NOT VALID;
ALTER TABLE api_keys DROP CONSTRAINT api_keys_user_tenant_fkey;
ALTER TABLE api_keys ADD CONSTRAINT api_keys_user_tenant_fkey FOREIGN KEY (user_id, tenant_id)
  REFERENCES users (id, tenant_id) ON DELETE CASCADE ON UPDATE CASCADE NOT VALID;
ALTER TABLE idempotency_keys DROP CONSTRAINT idempotency_keys_user_tenant_fkey;
ALTER TABLE idempotency_keys ADD CONSTRAINT idempotency_keys_user_tenant_fkey FOREIGN KEY (user_id, tenant_id)
  REFERENCES users (id, tenant_id) ON DELETE CASCADE ON UPDATE CASCADE NOT VALID;
ALTER TABLE refresh_tokens DROP CONSTRAINT refresh_tokens_session_tenant_fkey;
ALTER TABLE refresh_tokens ADD CONSTRAINT refresh_tokens_session_tenant_fkey FOREIGN KEY (session_id, tenant_id)
  REFERENCES sessions (id, tenant_id) ON DELETE CASCADE ON UPDATE CASCADE NOT VALID;
ALTER TABLE role_permissions DROP CONSTRAINT role_permissions_role_tenant_fkey;
ALTER TABLE role_permissions ADD CONSTRAINT role_permissions_role_tenant_fkey FOREIGN KEY (role_id, tenant_id)
  REFERENCES roles (id, tenant_id) ON DELETE CASCADE ON UPDATE CASCADE NOT VALID;
ALTER TABLE idempotency_keys DROP CONSTRAINT idempotency_keys_user_id_fkey;
ALTER TABLE idempotency_keys ADD CONSTRAINT idempotency_keys_user_id_fkey FOREIGN KEY (user_id)
  REFERENCES users (id) ON DELETE CASCADE ON UPDATE CASCADE NOT VALID;
