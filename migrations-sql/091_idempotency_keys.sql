-- Idempotency keys: an answer is there whole or not at all.
ALTER TABLE idempotency_keys
  ADD CONSTRAINT idempotency_keys_hash_check CHECK (octet_length(request_hash) = 32),
  ADD CONSTRAINT idempotency_keys_answer_check CHECK ((status IS NULL) = (response IS NULL)),
  ADD CONSTRAINT idempotency_keys_key_check CHECK (key <> ''),
  ADD CONSTRAINT idempotency_keys_expiry_check CHECK (expires_at > created_at);
