-- All callers who are yet to log in are one.
CREATE UNIQUE INDEX idempotency_keys_anonymous_key ON idempotency_keys (route, key) WHERE user_id IS NULL;

-- Idempotency keys: an answer is there whole or not at all. Who has no user has no tenant.
ALTER TABLE idempotency_keys
  ADD CONSTRAINT idempotency_keys_hash_check CHECK (octet_length(request_hash) = 32),
  ADD CONSTRAINT idempotency_keys_answer_check CHECK ((status IS NULL) = (response IS NULL)),
  ADD CONSTRAINT idempotency_keys_caller_check CHECK (user_id IS NOT NULL OR tenant_id IS NULL),
  ADD CONSTRAINT idempotency_keys_key_check CHECK (key <> ''),
  ADD CONSTRAINT idempotency_keys_expiry_check CHECK (expires_at > created_at);
