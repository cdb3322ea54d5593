-- Sessions and refresh tokens: expiries in order, revocation with its reason, hashes of the right length.
ALTER TABLE sessions
  ADD CONSTRAINT sessions_expiry_check CHECK (expires_at > created_at AND idle_expires_at > created_at AND idle_expires_at <= expires_at),
  ADD CONSTRAINT sessions_revoked_check CHECK ((revoked_at IS NULL) = (revoked_reason IS NULL)),
  ADD CONSTRAINT sessions_amr_check CHECK (cardinality(amr) > 0);

ALTER TABLE refresh_tokens
  ADD CONSTRAINT refresh_tokens_hash_check CHECK (octet_length(token_hash) = 32),
  ADD CONSTRAINT refresh_tokens_expiry_check CHECK (expires_at > created_at);

CREATE INDEX sessions_active ON sessions (user_id, created_at, id) WHERE revoked_at IS NULL;
CREATE INDEX sessions_lately_revoked ON sessions (revoked_at) WHERE revoked_at IS NOT NULL;
CREATE INDEX refresh_tokens_active ON refresh_tokens (session_id, expires_at) WHERE used_at IS NULL;

-- A session has one usable token at a time: two would be a forked family (RFC 9700, section 4.14.2).
CREATE UNIQUE INDEX refresh_tokens_one_unused ON refresh_tokens (session_id) WHERE used_at IS NULL;
