-- No row of one tenant speaks of a row of another, whatever code forgets. Row-level security looks at the row that is
-- written and not at the one that it names, and foreign keys look past it. Where both rows have a tenant, keys by id and
-- tenant hold that (schema.prisma, "sameTenant"). Here stands what such a key cannot say.
--
-- Without one, because nothing is decided by them and the row that they name may have moved or gone since: created_by,
-- updated_by, granted_by, accepted_by, bound_to (compared with the caller's own), and all of audit_log and audit_seals.

-- A key does not hold where tenant_id is NULL, which is the platform: what belongs to it is the platform's too. The key
-- by id has seen that the other row is there. After the row, so that one statement may write both.
CREATE FUNCTION assert_of_platform() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  named uuid := to_jsonb(NEW) ->> TG_ARGV[1];
  is_of_platform boolean;
BEGIN
  EXECUTE format('SELECT EXISTS (SELECT FROM public.%I WHERE id = $1 AND tenant_id IS NULL)', TG_ARGV[0])
    INTO is_of_platform USING named;
  IF named IS NOT NULL AND NOT is_of_platform THEN
    RAISE EXCEPTION '%.% names a row of %, which is not of the platform', TG_TABLE_NAME, TG_ARGV[1], TG_ARGV[0]
      USING ERRCODE = 'foreign_key_violation';
  END IF;
  RETURN NULL;
END
$$;

CREATE TRIGGER user_profiles_of_platform AFTER INSERT OR UPDATE OF user_id, tenant_id ON user_profiles
  FOR EACH ROW WHEN (NEW.tenant_id IS NULL) EXECUTE FUNCTION assert_of_platform('users', 'user_id');
CREATE TRIGGER user_roles_of_platform AFTER INSERT OR UPDATE OF user_id, tenant_id ON user_roles
  FOR EACH ROW WHEN (NEW.tenant_id IS NULL) EXECUTE FUNCTION assert_of_platform('users', 'user_id');
CREATE TRIGGER session_users_of_platform AFTER INSERT OR UPDATE OF user_id, tenant_id ON session_users
  FOR EACH ROW WHEN (NEW.tenant_id IS NULL) EXECUTE FUNCTION assert_of_platform('users', 'user_id');
CREATE TRIGGER one_time_tokens_of_platform AFTER INSERT OR UPDATE OF user_id, tenant_id ON one_time_tokens
  FOR EACH ROW WHEN (NEW.tenant_id IS NULL AND NEW.user_id IS NOT NULL) EXECUTE FUNCTION assert_of_platform('users', 'user_id');
CREATE TRIGGER api_keys_of_platform AFTER INSERT OR UPDATE OF user_id, tenant_id ON api_keys
  FOR EACH ROW WHEN (NEW.tenant_id IS NULL) EXECUTE FUNCTION assert_of_platform('users', 'user_id');
CREATE TRIGGER idempotency_keys_of_platform AFTER INSERT OR UPDATE OF user_id, tenant_id ON idempotency_keys
  FOR EACH ROW WHEN (NEW.tenant_id IS NULL AND NEW.user_id IS NOT NULL) EXECUTE FUNCTION assert_of_platform('users', 'user_id');
CREATE TRIGGER role_permissions_of_platform AFTER INSERT OR UPDATE OF role_id, tenant_id ON role_permissions
  FOR EACH ROW WHEN (NEW.tenant_id IS NULL) EXECUTE FUNCTION assert_of_platform('roles', 'role_id');

-- Who acts in another's name is a platform account, whosever session it is.
CREATE TRIGGER sessions_impersonator AFTER INSERT OR UPDATE OF impersonator_id ON sessions
  FOR EACH ROW WHEN (NEW.impersonator_id IS NOT NULL) EXECUTE FUNCTION assert_of_platform('users', 'impersonator_id');

-- A role is the tenant's own or a system role. Looked at with the eyes of whoever writes: what they do not see does not count.
CREATE FUNCTION assert_own_roles() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF NOT EXISTS (SELECT FROM public.roles WHERE id = NEW.role_id AND (tenant_id IS NULL OR tenant_id = NEW.tenant_id)) THEN
    RAISE EXCEPTION 'user_roles.role_id names a role that is not the tenant''s' USING ERRCODE = 'foreign_key_violation';
  END IF;
  RETURN NULL;
END
$$;
CREATE TRIGGER user_roles_own_role AFTER INSERT OR UPDATE OF role_id, tenant_id ON user_roles
  FOR EACH ROW EXECUTE FUNCTION assert_own_roles();

-- The same of an invitation, and whoever answers for it is of the tenant or of the platform: it gives what they may give.
-- When it is written: a role may go and the inviter may leave before somebody accepts (src/invitations/open.ts). At the
-- commit, because a restore of the rows alone has invitations before roles and users: no key tells pg_dump the order.
CREATE FUNCTION assert_own_invitation() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF EXISTS (SELECT FROM unnest(NEW.role_ids) AS named WHERE NOT EXISTS (
      SELECT FROM public.roles WHERE id = named AND (tenant_id IS NULL OR tenant_id = NEW.tenant_id))) THEN
    RAISE EXCEPTION 'invitations.role_ids names a role that is not the tenant''s' USING ERRCODE = 'foreign_key_violation';
  END IF;
  IF NEW.invited_by IS NOT NULL AND NOT EXISTS (
      SELECT FROM public.users WHERE id = NEW.invited_by AND (tenant_id IS NULL OR tenant_id = NEW.tenant_id)) THEN
    RAISE EXCEPTION 'invitations.invited_by names a user who is not the tenant''s' USING ERRCODE = 'foreign_key_violation';
  END IF;
  RETURN NULL;
END
$$;
CREATE CONSTRAINT TRIGGER invitations_own AFTER INSERT OR UPDATE OF role_ids, invited_by, tenant_id ON invitations
  DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION assert_own_invitation();

-- An account is of the shared pool, or of the pool of the one tenant in which it has users. The platform's are of the shared one.
-- Looked up by the account's key alone: a condition on pool_id would let the planner read every account of every pool for it.
CREATE FUNCTION assert_own_pool() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  scope_before CONSTANT text := public.change_scope('platform');
  account CONSTANT uuid := to_jsonb(NEW) ->> CASE TG_TABLE_NAME WHEN 'users' THEN 'account_id' ELSE 'id' END;
  pool uuid;
BEGIN
  SELECT pool_id INTO pool FROM public.accounts WHERE id = account;
  IF pool IS NOT NULL AND EXISTS (
      SELECT FROM public.users WHERE account_id = account AND tenant_id IS DISTINCT FROM pool) THEN
    RAISE EXCEPTION 'an account of one tenant''s pool has no user elsewhere' USING ERRCODE = 'foreign_key_violation';
  END IF;
  PERFORM public.change_scope(scope_before);
  RETURN NULL;
END
$$;
CREATE TRIGGER users_own_pool AFTER INSERT OR UPDATE OF account_id ON users
  FOR EACH ROW WHEN (NEW.account_id IS NOT NULL) EXECUTE FUNCTION assert_own_pool();
CREATE TRIGGER accounts_own_pool AFTER UPDATE OF pool_id ON accounts
  FOR EACH ROW WHEN (OLD.pool_id IS DISTINCT FROM NEW.pool_id) EXECUTE FUNCTION assert_own_pool();

-- Whoever writes in a tenant gives nobody an account that they do not see: a shared one belongs to its person, who joins in the
-- platform's scope. Looked at with the eyes of whoever writes.
CREATE FUNCTION assert_own_account() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF NOT EXISTS (SELECT FROM public.accounts WHERE id = NEW.account_id) THEN
    RAISE EXCEPTION 'users.account_id names an account that is not the tenant''s' USING ERRCODE = 'foreign_key_violation';
  END IF;
  RETURN NULL;
END
$$;
CREATE TRIGGER users_own_account AFTER INSERT OR UPDATE OF account_id ON users
  FOR EACH ROW WHEN (NEW.account_id IS NOT NULL) EXECUTE FUNCTION assert_own_account();

-- What the triggers have seen stays true: nobody moves from tenant to tenant, and a role does not either.
CREATE FUNCTION refuse_other_tenant() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'a row of % does not change its tenant so', TG_TABLE_NAME USING ERRCODE = 'foreign_key_violation';
END
$$;
CREATE TRIGGER users_stay BEFORE UPDATE OF tenant_id ON users
  FOR EACH ROW WHEN (OLD.tenant_id IS DISTINCT FROM NEW.tenant_id) EXECUTE FUNCTION refuse_other_tenant();
CREATE TRIGGER roles_stay BEFORE UPDATE OF tenant_id ON roles
  FOR EACH ROW WHEN (OLD.tenant_id IS DISTINCT FROM NEW.tenant_id) EXECUTE FUNCTION refuse_other_tenant();
