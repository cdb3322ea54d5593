-- Rows from before. No lock here keeps anybody from reading or writing.
ALTER TABLE users VALIDATE CONSTRAINT users_account_id_fkey;
ALTER TABLE sessions VALIDATE CONSTRAINT sessions_account_check, VALIDATE CONSTRAINT sessions_account_id_fkey;
ALTER TABLE totp_factors VALIDATE CONSTRAINT totp_factors_account_check, VALIDATE CONSTRAINT totp_factors_account_id_fkey;
ALTER TABLE recovery_codes VALIDATE CONSTRAINT recovery_codes_account_check, VALIDATE CONSTRAINT recovery_codes_account_id_fkey;
ALTER TABLE passkeys VALIDATE CONSTRAINT passkeys_account_check, VALIDATE CONSTRAINT passkeys_account_id_fkey;
