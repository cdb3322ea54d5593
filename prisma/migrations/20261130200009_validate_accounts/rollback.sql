ALTER TABLE users DROP CONSTRAINT users_account_id_fkey;
ALTER TABLE users
  ADD CONSTRAINT users_account_id_fkey FOREIGN KEY (account_id) REFERENCES accounts (id) ON UPDATE CASCADE ON DELETE RESTRICT NOT VALID;
ALTER TABLE sessions DROP CONSTRAINT sessions_account_id_fkey, DROP CONSTRAINT sessions_account_check;
ALTER TABLE sessions
  ADD CONSTRAINT sessions_account_id_fkey FOREIGN KEY (account_id) REFERENCES accounts (id) ON UPDATE CASCADE ON DELETE CASCADE NOT VALID,
  ADD CONSTRAINT sessions_account_check CHECK (account_id IS NOT NULL) NOT VALID;
ALTER TABLE totp_factors DROP CONSTRAINT totp_factors_account_id_fkey, DROP CONSTRAINT totp_factors_account_check;
ALTER TABLE totp_factors
  ADD CONSTRAINT totp_factors_account_id_fkey FOREIGN KEY (account_id) REFERENCES accounts (id) ON UPDATE CASCADE ON DELETE CASCADE NOT VALID,
  ADD CONSTRAINT totp_factors_account_check CHECK (account_id IS NOT NULL) NOT VALID;
ALTER TABLE recovery_codes DROP CONSTRAINT recovery_codes_account_id_fkey, DROP CONSTRAINT recovery_codes_account_check;
ALTER TABLE recovery_codes
  ADD CONSTRAINT recovery_codes_account_id_fkey FOREIGN KEY (account_id) REFERENCES accounts (id) ON UPDATE CASCADE ON DELETE CASCADE NOT VALID,
  ADD CONSTRAINT recovery_codes_account_check CHECK (account_id IS NOT NULL) NOT VALID;
ALTER TABLE passkeys DROP CONSTRAINT passkeys_account_id_fkey, DROP CONSTRAINT passkeys_account_check;
ALTER TABLE passkeys
  ADD CONSTRAINT passkeys_account_id_fkey FOREIGN KEY (account_id) REFERENCES accounts (id) ON UPDATE CASCADE ON DELETE CASCADE NOT VALID,
  ADD CONSTRAINT passkeys_account_check CHECK (account_id IS NOT NULL) NOT VALID;
