-- Invitations: one pending for an address and tenant, hashes of the right length, an end.
ALTER TABLE invitations
  ADD CONSTRAINT invitations_email_check CHECK (email = lower(email) AND char_length(email) <= 254 AND position('@' IN email) <= 65
    AND email ~ '^(?!\.)(?!.*\.\.)[A-Za-z0-9!#$%&''*+/=?^_`{|}~.-]*[A-Za-z0-9!#$%&''*+/=?^_`{|}~-]@(?=[A-Za-z0-9])(?!.*\.-)[A-Za-z0-9.-]*\.(?:[A-Za-z]{2,}|[Xx][Nn]--[A-Za-z0-9-]*[A-Za-z0-9])$'),
  ADD CONSTRAINT invitations_hash_check CHECK (octet_length(token_hash) = 32),
  ADD CONSTRAINT invitations_roles_check CHECK (cardinality(role_ids) > 0),
  ADD CONSTRAINT invitations_expiry_check CHECK (expires_at > created_at),
  ADD CONSTRAINT invitations_end_check CHECK (accepted_at IS NULL OR revoked_at IS NULL),
  ADD CONSTRAINT invitations_accepted_check CHECK ((accepted_at IS NULL) = (accepted_by IS NULL));

CREATE UNIQUE INDEX invitations_one_pending ON invitations (tenant_id, email)
  WHERE accepted_at IS NULL AND revoked_at IS NULL;
