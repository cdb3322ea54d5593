-- One-time tokens: hashes of the right length, attempts that end, and whose they are.
ALTER TABLE one_time_tokens
  ADD CONSTRAINT one_time_tokens_token_hash_check CHECK (octet_length(token_hash) = 32),
  ADD CONSTRAINT one_time_tokens_code_hash_check CHECK (octet_length(code_hash) = 32),
  ADD CONSTRAINT one_time_tokens_challenge_hash_check CHECK (octet_length(challenge_hash) = 32),
  -- Six digits count only together with what the requester alone knows.
  ADD CONSTRAINT one_time_tokens_code_check CHECK (code_hash IS NULL OR challenge_hash IS NOT NULL OR bound_to IS NOT NULL),
  ADD CONSTRAINT one_time_tokens_attempts_check CHECK (attempts BETWEEN 0 AND 10),
  ADD CONSTRAINT one_time_tokens_expiry_check CHECK (expires_at > created_at AND expires_at <= created_at + interval '7 days'),
  -- Before a registration is complete, a passkey has said whose it is, or there is anybody at all, there is no user.
  ADD CONSTRAINT one_time_tokens_user_check CHECK (user_id IS NOT NULL OR purpose::text IN ('register', 'passkey_login', 'bootstrap'));

CREATE INDEX one_time_tokens_open ON one_time_tokens (user_id, purpose) WHERE used_at IS NULL;

-- A proof speaks of the account as it was: a reset link that an attacker asked for must not survive the administrator's
-- change of the address, nor a half-finished log-in the new password. Triggers, so that no code path forgets it: of an
-- account what is open of all its users, of a user who is disabled or deleted their own.
CREATE FUNCTION void_one_time_tokens() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  scope_before CONSTANT text := public.change_scope('platform');
BEGIN
  UPDATE public.one_time_tokens SET used_at = now()
  WHERE user_id IN (SELECT id FROM public.users WHERE account_id = NEW.id) AND used_at IS NULL
    -- Who only has a new password still has the address that a verification was sent to.
    AND (purpose <> 'verify_email' OR NEW.email <> OLD.email);
  PERFORM public.change_scope(scope_before);
  RETURN NULL;
END
$$;
CREATE TRIGGER accounts_void_one_time_tokens AFTER UPDATE OF email, password_hash ON accounts
  FOR EACH ROW WHEN (OLD.email <> NEW.email OR OLD.password_hash IS DISTINCT FROM NEW.password_hash)
  EXECUTE FUNCTION void_one_time_tokens();

CREATE FUNCTION void_one_time_tokens_of_user() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  UPDATE public.one_time_tokens SET used_at = now() WHERE user_id = NEW.id AND used_at IS NULL;
  RETURN NULL;
END
$$;
CREATE TRIGGER users_void_one_time_tokens AFTER UPDATE OF status, is_deleted, account_id ON users
  FOR EACH ROW WHEN (OLD.status <> NEW.status OR OLD.is_deleted <> NEW.is_deleted OR OLD.account_id IS DISTINCT FROM NEW.account_id)
  EXECUTE FUNCTION void_one_time_tokens_of_user();
