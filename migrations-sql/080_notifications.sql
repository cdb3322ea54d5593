-- What every running instance must hear at once. Triggers send it, so that no code path, and no operator at a prompt,
-- can revoke a session or change a grant silently.
CREATE FUNCTION notify_session_revoked() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  PERFORM pg_notify('session_revoked', OLD.id::text);
  RETURN NULL;
END
$$;

-- A refresh updates its session too: the WHEN keeps the function call off that path.
CREATE TRIGGER sessions_notify_revoked AFTER UPDATE OF revoked_at ON sessions
  FOR EACH ROW WHEN (OLD.revoked_at IS NULL AND NEW.revoked_at IS NOT NULL)
  EXECUTE FUNCTION notify_session_revoked();
CREATE TRIGGER sessions_notify_deleted AFTER DELETE ON sessions
  FOR EACH ROW EXECUTE FUNCTION notify_session_revoked();

-- As whom a session speaks no more: the session goes on for others of its account.
CREATE FUNCTION notify_session_user_revoked() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  PERFORM pg_notify('session_revoked', OLD.session_id || ' ' || OLD.user_id);
  RETURN NULL;
END
$$;
CREATE TRIGGER session_users_notify_revoked AFTER UPDATE OF revoked_at ON session_users
  FOR EACH ROW WHEN (OLD.revoked_at IS NULL AND NEW.revoked_at IS NOT NULL)
  EXECUTE FUNCTION notify_session_user_revoked();
CREATE TRIGGER session_users_notify_deleted AFTER DELETE ON session_users
  FOR EACH ROW EXECUTE FUNCTION notify_session_user_revoked();

-- Whose account somebody's is stands beside what they may do.
CREATE FUNCTION notify_user_account() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  PERFORM pg_notify('grants_changed', NEW.id::text);
  RETURN NULL;
END
$$;
CREATE TRIGGER users_notify_account AFTER UPDATE OF account_id ON users
  FOR EACH ROW WHEN (OLD.account_id IS DISTINCT FROM NEW.account_id) EXECUTE FUNCTION notify_user_account();

-- What `me` shows of a user and of their tenant. Who logs in has changed too: a statement that changes nothing has not.
CREATE FUNCTION notify_user_changed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  PERFORM pg_notify('user_changed', OLD.id::text);
  RETURN NULL;
END
$$;
CREATE TRIGGER users_notify_changed AFTER UPDATE ON users
  FOR EACH ROW WHEN (OLD.* IS DISTINCT FROM NEW.*) EXECUTE FUNCTION notify_user_changed();
CREATE TRIGGER users_notify_deleted AFTER DELETE ON users
  FOR EACH ROW EXECUTE FUNCTION notify_user_changed();

CREATE FUNCTION notify_tenant_changed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  PERFORM pg_notify('tenant_changed', OLD.id::text);
  RETURN NULL;
END
$$;
CREATE TRIGGER tenants_notify_changed AFTER UPDATE ON tenants
  FOR EACH ROW WHEN (OLD.* IS DISTINCT FROM NEW.*) EXECUTE FUNCTION notify_tenant_changed();

CREATE FUNCTION notify_user_grants() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  PERFORM pg_notify('grants_changed', coalesce(NEW.user_id, OLD.user_id)::text);
  RETURN NULL;
END
$$;

CREATE TRIGGER user_roles_notify AFTER INSERT OR UPDATE OR DELETE ON user_roles
  FOR EACH ROW EXECUTE FUNCTION notify_user_grants();

-- A role's permissions concern everybody who holds it: all grants are read again.
CREATE FUNCTION notify_all_grants() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  PERFORM pg_notify('grants_changed', '*');
  RETURN NULL;
END
$$;

CREATE TRIGGER role_permissions_notify AFTER INSERT OR UPDATE OR DELETE ON role_permissions
  FOR EACH STATEMENT EXECUTE FUNCTION notify_all_grants();
-- An application's permissions come and go at run time.
CREATE TRIGGER permissions_notify AFTER INSERT OR UPDATE OR DELETE ON permissions
  FOR EACH STATEMENT EXECUTE FUNCTION notify_all_grants();
