-- The rows stay: they go with their tables.
ALTER TABLE users DROP CONSTRAINT users_account_id_fkey;
ALTER TABLE sessions DROP CONSTRAINT sessions_account_check, DROP CONSTRAINT sessions_account_id_fkey;
ALTER TABLE totp_factors DROP CONSTRAINT totp_factors_account_check, DROP CONSTRAINT totp_factors_account_id_fkey;
ALTER TABLE recovery_codes DROP CONSTRAINT recovery_codes_account_check, DROP CONSTRAINT recovery_codes_account_id_fkey;
ALTER TABLE passkeys DROP CONSTRAINT passkeys_account_check, DROP CONSTRAINT passkeys_account_id_fkey;
