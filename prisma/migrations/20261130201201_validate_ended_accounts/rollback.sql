-- The rules hold as before for what is written.
ALTER TABLE accounts
  DROP CONSTRAINT accounts_ended_check,
  DROP CONSTRAINT accounts_undo_hash_check,
  ADD CONSTRAINT accounts_ended_check CHECK (ended_at IS NULL OR is_deleted) NOT VALID,
  ADD CONSTRAINT accounts_undo_hash_check CHECK (undo_hash IS NULL OR (octet_length(undo_hash) = 32 AND ended_at IS NOT NULL)) NOT VALID;
