DROP TRIGGER sessions_carry ON sessions;
DROP TRIGGER sessions_carry_account ON sessions;
DROP TRIGGER totp_factors_carry_account ON totp_factors;
DROP TRIGGER recovery_codes_carry_account ON recovery_codes;
DROP TRIGGER passkeys_carry_account ON passkeys;
DROP TRIGGER users_carry ON users;
DROP TRIGGER users_carry_changes ON users;
DROP TRIGGER users_carry_end ON users;
DROP FUNCTION carry_session();
DROP FUNCTION carry_account();
DROP FUNCTION carry_user();
DROP TABLE session_users;
DROP TABLE accounts;
ALTER TABLE users DROP COLUMN account_id;
ALTER TABLE sessions DROP COLUMN account_id;
ALTER TABLE totp_factors DROP COLUMN account_id;
ALTER TABLE recovery_codes DROP COLUMN account_id;
ALTER TABLE passkeys DROP COLUMN account_id;
DROP FUNCTION in_account(uuid);
DROP FUNCTION new_id();
DROP FUNCTION change_scope(text);

-- PostgreSQL takes no value from an enum: it is made anew without these two. No row of the server of before has them.
SET LOCAL tenantry.scope = 'platform';
DELETE FROM one_time_tokens WHERE purpose::text IN ('select_tenant', 'join_tenant');
ALTER TYPE one_time_purpose RENAME TO one_time_purpose_of_later;
CREATE TYPE one_time_purpose AS ENUM ('register', 'verify_email', 'change_email', 'magic_link', 'reset_password', 'unlock', 'mfa',
  'passkey_registration', 'passkey_login', 'bootstrap');
ALTER TABLE one_time_tokens ALTER COLUMN purpose TYPE one_time_purpose USING purpose::text::one_time_purpose;
DROP TYPE one_time_purpose_of_later;
