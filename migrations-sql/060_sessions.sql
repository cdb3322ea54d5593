-- Sessions and refresh tokens: expiries in order, revocation with its reason, hashes of the right length.
ALTER TABLE sessions
  ADD CONSTRAINT sessions_expiry_check CHECK (expires_at > created_at AND idle_expires_at > created_at AND idle_expires_at <= expires_at),
  ADD CONSTRAINT sessions_revoked_check CHECK ((revoked_at IS NULL) = (revoked_reason IS NULL)),
  ADD CONSTRAINT sessions_amr_check CHECK (cardinality(amr) > 0);

ALTER TABLE refresh_tokens
  ADD CONSTRAINT refresh_tokens_hash_check CHECK (octet_length(token_hash) = 32),
  ADD CONSTRAINT refresh_tokens_expiry_check CHECK (expires_at > created_at);

CREATE INDEX sessions_active ON sessions (account_id, created_at, id) WHERE revoked_at IS NULL;
CREATE INDEX sessions_lately_revoked ON sessions (revoked_at) WHERE revoked_at IS NOT NULL;
CREATE INDEX refresh_tokens_active ON refresh_tokens (session_id, expires_at) WHERE used_at IS NULL;

-- A session has one usable token at a time: two would be a forked family (RFC 9700, section 4.14.2).
CREATE UNIQUE INDEX refresh_tokens_one_unused ON refresh_tokens (session_id) WHERE used_at IS NULL;

-- As whom a session speaks.
ALTER TABLE session_users
  ADD CONSTRAINT session_users_revoked_check CHECK ((revoked_at IS NULL) = (revoked_reason IS NULL));
CREATE INDEX session_users_active ON session_users (user_id, session_id) WHERE revoked_at IS NULL;
CREATE INDEX session_users_lately_revoked ON session_users (revoked_at) WHERE revoked_at IS NOT NULL;

-- A session speaks for users of its own account.
CREATE FUNCTION assert_own_session() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  scope_before CONSTANT text := public.change_scope('platform');
BEGIN
  IF NOT EXISTS (SELECT FROM public.sessions JOIN public.users ON users.account_id = sessions.account_id
      WHERE sessions.id = NEW.session_id AND users.id = NEW.user_id) THEN
    RAISE EXCEPTION 'session_users.user_id names a user of another account' USING ERRCODE = 'foreign_key_violation';
  END IF;
  PERFORM public.change_scope(scope_before);
  RETURN NULL;
END
$$;
CREATE TRIGGER session_users_own AFTER INSERT OR UPDATE OF session_id, user_id ON session_users
  FOR EACH ROW EXECUTE FUNCTION assert_own_session();

-- A session that may speak for nobody any more is over. It sees the users of all tenants: who ends what a session does in
-- one tenant sees no other.
CREATE FUNCTION end_mute_session() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  scope_before CONSTANT text := public.change_scope('platform');
BEGIN
  UPDATE public.sessions SET revoked_at = NEW.revoked_at, revoked_reason = NEW.revoked_reason
  WHERE id = NEW.session_id AND revoked_at IS NULL AND NOT EXISTS (
    SELECT FROM public.users
    WHERE users.account_id = sessions.account_id AND NOT users.is_deleted AND users.status = 'active'
      AND (sessions.impersonator_id IS NULL OR users.id = NEW.user_id)
      AND NOT EXISTS (SELECT FROM public.session_users AS spoken
        WHERE spoken.session_id = sessions.id AND spoken.user_id = users.id AND spoken.revoked_at IS NOT NULL));
  PERFORM public.change_scope(scope_before);
  RETURN NULL;
END
$$;
CREATE TRIGGER session_users_end_mute AFTER UPDATE OF revoked_at ON session_users
  FOR EACH ROW WHEN (OLD.revoked_at IS NULL AND NEW.revoked_at IS NOT NULL) EXECUTE FUNCTION end_mute_session();

-- Whoever ended it: the tenant's log says that nobody acts as its user any more.
CREATE FUNCTION record_impersonation_ended() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  scope_before CONSTANT text := public.change_scope('platform');
BEGIN
  INSERT INTO public.audit_log (id, tenant_id, actor_id, impersonator_id, session_id, action, resource_type, resource_id, details)
  SELECT public.new_id(), tenant_id, user_id, NEW.impersonator_id, NEW.id, 'platform.impersonation_ended', 'session', NEW.id,
    jsonb_build_object('reason', NEW.revoked_reason)
  FROM public.session_users WHERE session_id = NEW.id;
  PERFORM public.change_scope(scope_before);
  RETURN NULL;
END
$$;
CREATE TRIGGER sessions_record_impersonation_ended AFTER UPDATE OF revoked_at ON sessions
  FOR EACH ROW WHEN (NEW.impersonator_id IS NOT NULL AND OLD.revoked_at IS NULL AND NEW.revoked_at IS NOT NULL)
  EXECUTE FUNCTION record_impersonation_ended();
