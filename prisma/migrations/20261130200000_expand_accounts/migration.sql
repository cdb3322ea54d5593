-- Accounts, and as whom a session speaks: two tables, and a column where the old ones name a user. What the server of before
-- writes, triggers carry over, so it runs on until the last of these migrations. Nothing is scanned.
--
-- All locks at once, in the order in which the server takes them, or none: whoever is there goes first, whoever comes waits for
-- half a second at most, and then it is tried again. Where no moment is found for that, it fails: deploy again.
SET LOCAL lock_timeout = '500ms';
DO $$
BEGIN
  FOR attempt IN 1..100 LOOP
    BEGIN
      LOCK TABLE public.tenants IN SHARE ROW EXCLUSIVE MODE;
      LOCK TABLE public.users, public.sessions, public.totp_factors, public.recovery_codes, public.passkeys IN ACCESS EXCLUSIVE MODE;
      RETURN;
    EXCEPTION WHEN lock_not_available OR deadlock_detected THEN
      PERFORM pg_sleep(0.2);
    END;
  END LOOP;
  RAISE EXCEPTION 'no moment without somebody who holds a lock' USING ERRCODE = 'lock_not_available';
END
$$;

-- An id as the server makes them (UUIDv7, RFC 9562): milliseconds first, so that rows lie in the order of their making.
CREATE FUNCTION new_id() RETURNS uuid LANGUAGE sql VOLATILE PARALLEL SAFE AS $$
  SELECT encode(set_bit(set_bit(overlay(uuid_send(gen_random_uuid())
    PLACING substring(int8send((extract(epoch FROM clock_timestamp()) * 1000)::bigint) FROM 3) FROM 1 FOR 6), 52, 1), 53, 1), 'hex')::uuid
$$;

-- Whose rows the statements after it see (095_row_level_security.sql). Answers whose it was before: who changes it puts it back. A
-- function cannot say that in its head, where only a superuser may set what no extension has defined, and the owner is none.
CREATE FUNCTION change_scope(scope text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
  before CONSTANT text := coalesce(current_setting('tenantry.scope', true), '');
BEGIN
  PERFORM set_config('tenantry.scope', scope, true);
  RETURN before;
END
$$;

ALTER TYPE one_time_purpose ADD VALUE 'select_tenant' AFTER 'bootstrap';
ALTER TYPE one_time_purpose ADD VALUE 'join_tenant' AFTER 'select_tenant';

CREATE TABLE accounts (
  id uuid NOT NULL,
  pool_id uuid,
  email varchar(255) NOT NULL,
  pending_email varchar(255),
  email_verified_at timestamptz(3),
  password_hash varchar(255),
  password_origin password_origin NOT NULL DEFAULT 'tenant',
  login_attempts smallint NOT NULL DEFAULT 0,
  locked_until timestamptz(3),
  is_deleted boolean NOT NULL DEFAULT false,
  deleted_at timestamptz(3),
  created_at timestamptz(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
  updated_at timestamptz(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
  CONSTRAINT accounts_pkey PRIMARY KEY (id)
);
ALTER TABLE accounts ADD CONSTRAINT accounts_pool_id_fkey FOREIGN KEY (pool_id) REFERENCES tenants (id) ON UPDATE CASCADE ON DELETE CASCADE;
CREATE INDEX accounts_pool_id_idx ON accounts (pool_id);
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
  ADD CONSTRAINT accounts_locked_until_check CHECK (locked_until > created_at);

-- One account an address and pool among those that are not deleted; NULLS NOT DISTINCT makes the shared pool (NULL) one
-- pool, where plain UNIQUE would let every NULL row in.
CREATE UNIQUE INDEX accounts_live_email ON accounts (email, pool_id) NULLS NOT DISTINCT WHERE NOT is_deleted;

CREATE TABLE session_users (
  session_id uuid NOT NULL,
  user_id uuid NOT NULL,
  tenant_id uuid,
  ip inet,
  last_used_at timestamptz(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
  revoked_at timestamptz(3),
  revoked_reason varchar(32),
  created_at timestamptz(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
  CONSTRAINT session_users_pkey PRIMARY KEY (session_id, user_id)
);
ALTER TABLE session_users
  ADD CONSTRAINT session_users_session_id_fkey FOREIGN KEY (session_id) REFERENCES sessions (id) ON UPDATE CASCADE ON DELETE CASCADE,
  ADD CONSTRAINT session_users_user_id_fkey FOREIGN KEY (user_id) REFERENCES users (id) ON UPDATE CASCADE ON DELETE CASCADE,
  ADD CONSTRAINT session_users_user_tenant_fkey FOREIGN KEY (user_id, tenant_id) REFERENCES users (id, tenant_id) ON UPDATE CASCADE ON DELETE CASCADE,
  ADD CONSTRAINT session_users_revoked_check CHECK ((revoked_at IS NULL) = (revoked_reason IS NULL));
CREATE INDEX session_users_user_id_idx ON session_users (user_id);
CREATE INDEX session_users_tenant_id_idx ON session_users (tenant_id);
CREATE INDEX session_users_active ON session_users (user_id, session_id) WHERE revoked_at IS NULL;
CREATE INDEX session_users_lately_revoked ON session_users (revoked_at) WHERE revoked_at IS NOT NULL;

ALTER TABLE users ADD COLUMN account_id uuid;
ALTER TABLE sessions ADD COLUMN account_id uuid;
ALTER TABLE totp_factors ADD COLUMN account_id uuid;
ALTER TABLE recovery_codes ADD COLUMN account_id uuid;
ALTER TABLE passkeys ADD COLUMN account_id uuid;

CREATE FUNCTION in_account(row_account uuid) RETURNS boolean LANGUAGE sql STABLE PARALLEL SAFE
  RETURN CASE current_setting('tenantry.scope', true)
    WHEN 'platform' THEN true
    ELSE row_account::text = current_setting('tenantry.account', true)
  END;
ALTER TABLE accounts ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY account_scope ON accounts USING (in_account(id)) WITH CHECK (in_account(id));
CREATE POLICY own_pool ON accounts USING (in_scope(pool_id)) WITH CHECK (in_scope(pool_id));
ALTER TABLE session_users ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant_scope ON session_users USING (in_scope(tenant_id)) WITH CHECK (in_scope(tenant_id));
GRANT SELECT, INSERT, UPDATE, DELETE ON accounts, session_users TO tenantry_app;

-- What the server of before writes.
CREATE FUNCTION carry_user() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  scope_before CONSTANT text := public.change_scope('platform');
BEGIN
  IF TG_OP = 'DELETE' THEN
    DELETE FROM public.accounts WHERE id = OLD.account_id;
  ELSIF TG_OP = 'INSERT' AND NEW.account_id IS NULL THEN
    INSERT INTO public.accounts (id, pool_id, email, pending_email, email_verified_at, password_hash, password_origin, login_attempts, locked_until, is_deleted, deleted_at, created_at, updated_at) VALUES (NEW.id, CASE WHEN NEW.email_scope IS NOT NULL THEN NEW.email_scope WHEN NEW.tenant_id IS NOT NULL AND NEW.email_verified_at IS NULL AND NEW.password_origin = 'tenant' THEN NEW.tenant_id END, NEW.email, NEW.pending_email, NEW.email_verified_at, NEW.password_hash, NEW.password_origin, NEW.login_attempts, NEW.locked_until, NEW.is_deleted, NEW.deleted_at, NEW.created_at, NEW.updated_at);
    UPDATE public.users SET account_id = NEW.id WHERE id = NEW.id;
  ELSIF NEW.account_id IS NOT NULL THEN
    UPDATE public.accounts SET (pool_id, email, pending_email, email_verified_at, password_hash, password_origin, login_attempts, locked_until, is_deleted, deleted_at, created_at, updated_at) = ROW (CASE WHEN NEW.email_scope IS NOT NULL THEN NEW.email_scope WHEN NEW.tenant_id IS NOT NULL AND NEW.email_verified_at IS NULL AND NEW.password_origin = 'tenant' THEN NEW.tenant_id END, NEW.email, NEW.pending_email, NEW.email_verified_at, NEW.password_hash, NEW.password_origin, NEW.login_attempts, NEW.locked_until, NEW.is_deleted, NEW.deleted_at, NEW.created_at, NEW.updated_at) WHERE id = NEW.account_id;
  END IF;
  PERFORM public.change_scope(scope_before);
  RETURN NULL;
END
$$;
CREATE TRIGGER users_carry AFTER INSERT ON users FOR EACH ROW WHEN (NEW.kind = 'person') EXECUTE FUNCTION carry_user();
CREATE TRIGGER users_carry_changes AFTER UPDATE OF tenant_id, email_scope, email, pending_email, email_verified_at, password_hash,
    password_origin, login_attempts, locked_until, is_deleted ON users
  FOR EACH ROW WHEN (NEW.kind = 'person') EXECUTE FUNCTION carry_user();
CREATE TRIGGER users_carry_end AFTER DELETE ON users FOR EACH ROW WHEN (OLD.account_id IS NOT NULL) EXECUTE FUNCTION carry_user();

CREATE FUNCTION carry_account() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  scope_before CONSTANT text := public.change_scope('platform');
BEGIN
  NEW.account_id := (SELECT account_id FROM public.users WHERE id = NEW.user_id);
  PERFORM public.change_scope(scope_before);
  RETURN NEW;
END
$$;
CREATE TRIGGER sessions_carry_account BEFORE INSERT ON sessions FOR EACH ROW EXECUTE FUNCTION carry_account();
CREATE TRIGGER totp_factors_carry_account BEFORE INSERT ON totp_factors FOR EACH ROW EXECUTE FUNCTION carry_account();
CREATE TRIGGER recovery_codes_carry_account BEFORE INSERT ON recovery_codes FOR EACH ROW EXECUTE FUNCTION carry_account();
CREATE TRIGGER passkeys_carry_account BEFORE INSERT ON passkeys FOR EACH ROW EXECUTE FUNCTION carry_account();

CREATE FUNCTION carry_session() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  scope_before CONSTANT text := public.change_scope('platform');
BEGIN
  INSERT INTO public.session_users (session_id, user_id, tenant_id, ip, last_used_at, revoked_at, revoked_reason, created_at)
  VALUES (NEW.id, NEW.user_id, NEW.tenant_id, NEW.ip, NEW.last_used_at, NEW.revoked_at, NEW.revoked_reason, NEW.created_at)
  ON CONFLICT (session_id, user_id) DO UPDATE SET ip = excluded.ip, last_used_at = excluded.last_used_at,
    revoked_at = excluded.revoked_at, revoked_reason = excluded.revoked_reason;
  PERFORM public.change_scope(scope_before);
  RETURN NULL;
END
$$;
CREATE TRIGGER sessions_carry AFTER INSERT OR UPDATE OF ip, last_used_at, revoked_at ON sessions
  FOR EACH ROW EXECUTE FUNCTION carry_session();
