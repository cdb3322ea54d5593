-- The rule holds as before for what is written.
ALTER TABLE audit_seals
  DROP CONSTRAINT audit_seals_key_id_check,
  ADD CONSTRAINT audit_seals_key_id_check CHECK (octet_length(key_id) = 8) NOT VALID;
