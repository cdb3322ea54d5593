-- Accounts: the e-mail rules, the soft delete and the log-in counters.
ALTER TABLE accounts
  ADD CONSTRAINT accounts_soft_delete_check CHECK (is_deleted = (deleted_at IS NOT NULL)),
  ADD CONSTRAINT accounts_email_lower_check CHECK (email = lower(email)),
  -- What an address looks like is said in src/fields.ts. This is the same pattern, to the letter, as often as there are columns.
  -- Labels that end with a hyphen or are longer than 63 the server refuses alone: rows of before may have such, and must stay.
  ADD CONSTRAINT accounts_email_format_check CHECK (char_length(email) <= 254 AND position('@' IN email) <= 65
    AND email ~ '^(?!\.)(?!.*\.\.)[A-Za-z0-9!#$%&''*+/=?^_`{|}~.-]*[A-Za-z0-9!#$%&''*+/=?^_`{|}~-]@(?=[A-Za-z0-9])(?!.*\.-)[A-Za-z0-9.-]*\.(?:[A-Za-z]{2,}|[Xx][Nn]--[A-Za-z0-9-]*[A-Za-z0-9])$'),
  -- A new address that waits for its proof: of a person who is there, and another one than they have.
  ADD CONSTRAINT accounts_pending_email_lower_check CHECK (pending_email = lower(pending_email)),
  ADD CONSTRAINT accounts_pending_email_format_check CHECK (char_length(pending_email) <= 254 AND position('@' IN pending_email) <= 65
    AND pending_email ~ '^(?!\.)(?!.*\.\.)[A-Za-z0-9!#$%&''*+/=?^_`{|}~.-]*[A-Za-z0-9!#$%&''*+/=?^_`{|}~-]@(?=[A-Za-z0-9])(?!.*\.-)[A-Za-z0-9.-]*\.(?:[A-Za-z]{2,}|[Xx][Nn]--[A-Za-z0-9-]*[A-Za-z0-9])$'),
  ADD CONSTRAINT accounts_pending_email_check CHECK (pending_email IS NULL OR (pending_email <> email AND NOT is_deleted)),
  ADD CONSTRAINT accounts_login_attempts_check CHECK (login_attempts BETWEEN 0 AND 1000),
  ADD CONSTRAINT accounts_locked_until_check CHECK (locked_until > created_at),
  -- Ended by its person: nobody logs in to it, and the hash of what takes that back goes with it.
  ADD CONSTRAINT accounts_ended_check CHECK (ended_at IS NULL OR is_deleted),
  ADD CONSTRAINT accounts_undo_hash_check CHECK (undo_hash IS NULL OR (octet_length(undo_hash) = 32 AND ended_at IS NOT NULL));

-- One account an address and pool among those that are not deleted; NULLS NOT DISTINCT makes the shared pool (NULL) one
-- pool, where plain UNIQUE would let every NULL row in.
CREATE UNIQUE INDEX accounts_live_email ON accounts (email, pool_id) NULLS NOT DISTINCT WHERE NOT is_deleted;

-- Those that their people have ended: by what takes it back, and until their time is over.
CREATE INDEX accounts_ended ON accounts (undo_hash, ended_at) WHERE ended_at IS NOT NULL;
