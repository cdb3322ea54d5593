-- Second factors and passkeys.
-- One authenticator app an account; an enrolment that was begun and not confirmed does not count.
CREATE UNIQUE INDEX totp_factors_one_confirmed ON totp_factors (account_id) WHERE confirmed_at IS NOT NULL;

ALTER TABLE totp_factors ADD CONSTRAINT totp_factors_last_step_check CHECK (last_step >= 0);
ALTER TABLE recovery_codes ADD CONSTRAINT recovery_codes_hash_check CHECK (octet_length(code_hash) = 32);
CREATE INDEX recovery_codes_unused ON recovery_codes (account_id) WHERE used_at IS NULL;

ALTER TABLE passkeys
  -- WebAuthn Level 3, sections 4 and 5.4.3.
  ADD CONSTRAINT passkeys_credential_id_check CHECK (octet_length(credential_id) BETWEEN 1 AND 1023),
  ADD CONSTRAINT passkeys_user_handle_check CHECK (octet_length(user_handle) BETWEEN 16 AND 64),
  ADD CONSTRAINT passkeys_sign_count_check CHECK (sign_count BETWEEN 0 AND 4294967295),
  ADD CONSTRAINT passkeys_name_check CHECK (btrim(name) <> ''),
  -- Section 6.1.3: what is backed up was eligible for it.
  ADD CONSTRAINT passkeys_backup_check CHECK (backup_eligible OR NOT backed_up);
