-- The bodies of functions may name what comes later.
SET check_function_bodies = off;

-- Drop trigger public.accounts.accounts_copy_to_users
DROP TRIGGER accounts_copy_to_users ON public.accounts;

-- Drop trigger public.accounts.accounts_own_pool
DROP TRIGGER accounts_own_pool ON public.accounts;

-- Drop trigger public.accounts.accounts_void_one_time_tokens
DROP TRIGGER accounts_void_one_time_tokens ON public.accounts;

-- Drop trigger public.session_users.session_users_end_mute
DROP TRIGGER session_users_end_mute ON public.session_users;

-- Drop trigger public.session_users.session_users_notify_deleted
DROP TRIGGER session_users_notify_deleted ON public.session_users;

-- Drop trigger public.session_users.session_users_notify_revoked
DROP TRIGGER session_users_notify_revoked ON public.session_users;

-- Drop trigger public.session_users.session_users_of_platform
DROP TRIGGER session_users_of_platform ON public.session_users;

-- Drop trigger public.session_users.session_users_own
DROP TRIGGER session_users_own ON public.session_users;

-- Drop trigger public.sessions.sessions_record_impersonation_ended
DROP TRIGGER sessions_record_impersonation_ended ON public.sessions;

-- Drop trigger public.users.users_account_follows
DROP TRIGGER users_account_follows ON public.users;

-- Drop trigger public.users.users_account_goes
DROP TRIGGER users_account_goes ON public.users;

-- Drop trigger public.users.users_copy_account
DROP TRIGGER users_copy_account ON public.users;

-- Drop trigger public.users.users_notify_account
DROP TRIGGER users_notify_account ON public.users;

-- Drop trigger public.users.users_own_account
DROP TRIGGER users_own_account ON public.users;

-- Drop trigger public.users.users_own_pool
DROP TRIGGER users_own_pool ON public.users;

-- Drop index public.passkeys_account_id_idx
DROP INDEX public.passkeys_account_id_idx;

-- Drop index public.totp_factors_account_id_idx
DROP INDEX public.totp_factors_account_id_idx;

-- Drop constraint public.users.users_account_check
ALTER TABLE public.users DROP CONSTRAINT users_account_check;

-- Drop function public.assert_own_account()
DROP FUNCTION public.assert_own_account();

-- Drop function public.assert_own_pool()
DROP FUNCTION public.assert_own_pool();

-- Drop function public.assert_own_session()
DROP FUNCTION public.assert_own_session();

-- Drop function public.copy_from_account()
DROP FUNCTION public.copy_from_account();

-- Drop function public.copy_to_users()
DROP FUNCTION public.copy_to_users();

-- Drop function public.end_mute_session()
DROP FUNCTION public.end_mute_session();

-- Drop function public.follow_users()
DROP FUNCTION public.follow_users();

-- Drop function public.lock_account(uuid, uuid)
DROP FUNCTION public.lock_account(uuid, uuid);

-- Drop function public.make_room_for_user(uuid)
DROP FUNCTION public.make_room_for_user(uuid);

-- Drop function public.notify_session_user_revoked()
DROP FUNCTION public.notify_session_user_revoked();

-- Drop function public.notify_user_account()
DROP FUNCTION public.notify_user_account();

-- Drop function public.record_account_event(uuid, jsonb)
DROP FUNCTION public.record_account_event(uuid, jsonb);

-- Drop function public.record_impersonation_ended()
DROP FUNCTION public.record_impersonation_ended();

-- Drop function public.settle_account(uuid)
DROP FUNCTION public.settle_account(uuid);

-- Change function public.void_one_time_tokens()
CREATE OR REPLACE FUNCTION public.void_one_time_tokens()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
BEGIN
  UPDATE one_time_tokens SET used_at = now()
  WHERE user_id = NEW.id AND used_at IS NULL
    -- Who only has a new password still has the address that a verification was sent to.
    AND (purpose <> 'verify_email' OR NEW.email <> OLD.email OR NEW.is_deleted OR NEW.status <> 'active');
  RETURN NULL;
END
$function$;

-- Change column public.passkeys.account_id
ALTER TABLE public.passkeys ALTER COLUMN account_id DROP NOT NULL;

-- Change column public.recovery_codes.account_id
ALTER TABLE public.recovery_codes ALTER COLUMN account_id DROP NOT NULL;

-- Change column public.sessions.account_id
ALTER TABLE public.sessions ALTER COLUMN account_id DROP NOT NULL;

-- Change column public.totp_factors.account_id
ALTER TABLE public.totp_factors ALTER COLUMN account_id DROP NOT NULL;

-- Change trigger public.users.users_stay
CREATE OR REPLACE TRIGGER users_stay BEFORE UPDATE OF tenant_id ON public.users FOR EACH ROW WHEN (((old.tenant_id IS NULL) <> (new.tenant_id IS NULL))) EXECUTE FUNCTION public.refuse_other_tenant();

-- Add function public.carry_account()
CREATE OR REPLACE FUNCTION public.carry_account()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
DECLARE
  scope_before CONSTANT text := public.change_scope('platform');
BEGIN
  NEW.account_id := (SELECT account_id FROM public.users WHERE id = NEW.user_id);
  PERFORM public.change_scope(scope_before);
  RETURN NEW;
END
$function$;

-- Add function public.carry_session()
CREATE OR REPLACE FUNCTION public.carry_session()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
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
$function$;

-- Add function public.carry_user()
CREATE OR REPLACE FUNCTION public.carry_user()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
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
$function$;

-- Add column public.passkeys.tenant_id
ALTER TABLE public.passkeys ADD COLUMN tenant_id uuid;

-- Add column public.passkeys.user_id
ALTER TABLE public.passkeys ADD COLUMN user_id uuid;

-- Add column public.recovery_codes.tenant_id
ALTER TABLE public.recovery_codes ADD COLUMN tenant_id uuid;

-- Add column public.recovery_codes.user_id
ALTER TABLE public.recovery_codes ADD COLUMN user_id uuid;

-- Add column public.refresh_tokens.tenant_id
ALTER TABLE public.refresh_tokens ADD COLUMN tenant_id uuid;

-- Add column public.sessions.tenant_id
ALTER TABLE public.sessions ADD COLUMN tenant_id uuid;

-- Add column public.sessions.user_id
ALTER TABLE public.sessions ADD COLUMN user_id uuid;

-- Add column public.totp_factors.tenant_id
ALTER TABLE public.totp_factors ADD COLUMN tenant_id uuid;

-- Add column public.totp_factors.user_id
ALTER TABLE public.totp_factors ADD COLUMN user_id uuid;

-- Add column public.users.email_scope
ALTER TABLE public.users ADD COLUMN email_scope uuid;

-- Add column public.users.locked_until
ALTER TABLE public.users ADD COLUMN locked_until timestamp(3) with time zone;

-- Add column public.users.login_attempts
ALTER TABLE public.users ADD COLUMN login_attempts smallint NOT NULL DEFAULT 0;

-- Add column public.users.password_hash
ALTER TABLE public.users ADD COLUMN password_hash character varying(255);

-- Add column public.users.password_origin
ALTER TABLE public.users ADD COLUMN password_origin public.password_origin NOT NULL DEFAULT 'tenant'::public.password_origin;

-- What the server of before looks for. It knows one tenant a person: of further ones, and of what a tenant has said of an address
-- that somebody else has, it makes users whom nobody logs in as.
SET LOCAL tenantry.scope = 'platform';
UPDATE public.users SET password_hash = accounts.password_hash, password_origin = accounts.password_origin,
  login_attempts = accounts.login_attempts, locked_until = accounts.locked_until
FROM public.accounts WHERE accounts.id = users.account_id;
WITH named AS (
  SELECT users.id, users.tenant_id, accounts.pool_id,
    accounts.pool_id IS NOT NULL AND (accounts.email_verified_at IS NOT NULL OR accounts.password_origin <> 'tenant') AS is_isolated,
    row_number() OVER (PARTITION BY users.email, users.is_deleted
      ORDER BY accounts.pool_id IS NOT NULL, users.tenant_id IS NOT NULL, users.created_at, users.id) AS place
  FROM public.users JOIN public.accounts ON accounts.id = users.account_id
)
UPDATE public.users SET email_scope = named.tenant_id FROM named WHERE named.id = users.id AND (is_isolated OR place > 1);
-- Where addresses wait, they wait for one.
UPDATE public.users SET pending_email = NULL WHERE pending_email IS NOT NULL AND is_deleted;
-- An account each, as the triggers of before keep it. The second factors stay with the first: a password alone opens no other.
WITH first AS (
  SELECT DISTINCT ON (account_id) account_id, id FROM public.users WHERE account_id IS NOT NULL
  ORDER BY account_id, is_deleted, email_scope IS NOT NULL, created_at, id
), further AS MATERIALIZED (
  SELECT users.*, public.new_id() AS made, users.account_id IN (
    SELECT account_id FROM public.totp_factors WHERE confirmed_at IS NOT NULL UNION ALL SELECT account_id FROM public.passkeys
  ) AS is_protected
  FROM public.users JOIN first ON first.account_id = users.account_id WHERE users.id <> first.id
), split AS (
  INSERT INTO public.accounts (id, pool_id, email, pending_email, email_verified_at, password_hash, password_origin, login_attempts, locked_until, is_deleted, deleted_at, created_at, updated_at)
  SELECT made, CASE WHEN email_scope IS NOT NULL THEN email_scope WHEN tenant_id IS NOT NULL AND email_verified_at IS NULL AND password_origin = 'tenant' THEN tenant_id END, email, NULL, email_verified_at, CASE WHEN NOT is_protected THEN password_hash END, password_origin, login_attempts, locked_until, is_deleted, deleted_at, created_at, updated_at FROM further
)
UPDATE public.users SET account_id = made, pending_email = NULL, password_hash = CASE WHEN NOT is_protected THEN users.password_hash END
FROM further WHERE further.id = users.id;
DELETE FROM public.sessions WHERE NOT EXISTS (SELECT FROM public.session_users WHERE session_id = sessions.id);
UPDATE public.sessions SET user_id = spoken.user_id, tenant_id = spoken.tenant_id, account_id = users.account_id FROM (
  SELECT DISTINCT ON (session_id) * FROM public.session_users ORDER BY session_id, revoked_at IS NOT NULL, last_used_at DESC
) AS spoken JOIN public.users ON users.id = spoken.user_id WHERE spoken.session_id = sessions.id;
DELETE FROM public.session_users USING public.sessions WHERE sessions.id = session_id AND session_users.user_id <> sessions.user_id;
UPDATE public.session_users SET revoked_at = sessions.revoked_at, revoked_reason = sessions.revoked_reason FROM public.sessions
WHERE sessions.id = session_id AND session_users.revoked_at IS DISTINCT FROM sessions.revoked_at;
UPDATE public.refresh_tokens SET tenant_id = sessions.tenant_id FROM public.sessions WHERE sessions.id = session_id;
-- Of these the server of before knows nothing.
DELETE FROM public.one_time_tokens WHERE purpose IN ('select_tenant', 'join_tenant');
UPDATE public.totp_factors SET user_id = users.id, tenant_id = users.tenant_id FROM public.users WHERE users.account_id = totp_factors.account_id;
UPDATE public.recovery_codes SET user_id = users.id, tenant_id = users.tenant_id FROM public.users WHERE users.account_id = recovery_codes.account_id;
UPDATE public.passkeys SET user_id = users.id, tenant_id = users.tenant_id FROM public.users WHERE users.account_id = passkeys.account_id;
ALTER TABLE public.passkeys ALTER COLUMN user_id SET NOT NULL;
ALTER TABLE public.recovery_codes ALTER COLUMN user_id SET NOT NULL;
ALTER TABLE public.sessions ALTER COLUMN user_id SET NOT NULL;
ALTER TABLE public.totp_factors ALTER COLUMN user_id SET NOT NULL;

-- Drop policy public.passkeys.account_scope
DROP POLICY account_scope ON public.passkeys;

-- Drop policy public.passkeys.own_pool
DROP POLICY own_pool ON public.passkeys;

-- Drop policy public.recovery_codes.account_scope
DROP POLICY account_scope ON public.recovery_codes;

-- Drop policy public.recovery_codes.own_pool
DROP POLICY own_pool ON public.recovery_codes;

-- Drop policy public.refresh_tokens.platform
DROP POLICY platform ON public.refresh_tokens;

-- Drop policy public.sessions.account_scope
DROP POLICY account_scope ON public.sessions;

-- Drop policy public.sessions.own_pool
DROP POLICY own_pool ON public.sessions;

-- Drop policy public.sessions.spoken_for
DROP POLICY spoken_for ON public.sessions;

-- Drop policy public.totp_factors.account_scope
DROP POLICY account_scope ON public.totp_factors;

-- Drop policy public.totp_factors.own_pool
DROP POLICY own_pool ON public.totp_factors;

-- Add constraint public.passkeys.passkeys_account_check
ALTER TABLE public.passkeys ADD CONSTRAINT passkeys_account_check CHECK ((account_id IS NOT NULL));

-- Add constraint public.passkeys.passkeys_user_id_fkey
ALTER TABLE public.passkeys ADD CONSTRAINT passkeys_user_id_fkey FOREIGN KEY (user_id) REFERENCES public.users(id) ON UPDATE CASCADE ON DELETE CASCADE;

-- Add constraint public.passkeys.passkeys_user_tenant_fkey
ALTER TABLE public.passkeys ADD CONSTRAINT passkeys_user_tenant_fkey FOREIGN KEY (user_id, tenant_id) REFERENCES public.users(id, tenant_id) ON UPDATE CASCADE ON DELETE CASCADE;

-- Add constraint public.recovery_codes.recovery_codes_account_check
ALTER TABLE public.recovery_codes ADD CONSTRAINT recovery_codes_account_check CHECK ((account_id IS NOT NULL));

-- Add constraint public.recovery_codes.recovery_codes_user_id_fkey
ALTER TABLE public.recovery_codes ADD CONSTRAINT recovery_codes_user_id_fkey FOREIGN KEY (user_id) REFERENCES public.users(id) ON UPDATE CASCADE ON DELETE CASCADE;

-- Add constraint public.recovery_codes.recovery_codes_user_tenant_fkey
ALTER TABLE public.recovery_codes ADD CONSTRAINT recovery_codes_user_tenant_fkey FOREIGN KEY (user_id, tenant_id) REFERENCES public.users(id, tenant_id) ON UPDATE CASCADE ON DELETE CASCADE;

-- Add constraint public.sessions.sessions_account_check
ALTER TABLE public.sessions ADD CONSTRAINT sessions_account_check CHECK ((account_id IS NOT NULL));

-- Add constraint public.sessions.sessions_user_id_fkey
ALTER TABLE public.sessions ADD CONSTRAINT sessions_user_id_fkey FOREIGN KEY (user_id) REFERENCES public.users(id) ON UPDATE CASCADE ON DELETE CASCADE;

-- Add constraint public.sessions.sessions_user_tenant_fkey
ALTER TABLE public.sessions ADD CONSTRAINT sessions_user_tenant_fkey FOREIGN KEY (user_id, tenant_id) REFERENCES public.users(id, tenant_id) ON UPDATE CASCADE ON DELETE CASCADE;

-- Add constraint public.totp_factors.totp_factors_account_check
ALTER TABLE public.totp_factors ADD CONSTRAINT totp_factors_account_check CHECK ((account_id IS NOT NULL));

-- Add constraint public.totp_factors.totp_factors_user_id_fkey
ALTER TABLE public.totp_factors ADD CONSTRAINT totp_factors_user_id_fkey FOREIGN KEY (user_id) REFERENCES public.users(id) ON UPDATE CASCADE ON DELETE CASCADE;

-- Add constraint public.totp_factors.totp_factors_user_tenant_fkey
ALTER TABLE public.totp_factors ADD CONSTRAINT totp_factors_user_tenant_fkey FOREIGN KEY (user_id, tenant_id) REFERENCES public.users(id, tenant_id) ON UPDATE CASCADE ON DELETE CASCADE;

-- Add constraint public.users.users_email_scope_check
ALTER TABLE public.users ADD CONSTRAINT users_email_scope_check CHECK (((email_scope IS NULL) OR (NOT (email_scope IS DISTINCT FROM tenant_id))));

-- Add constraint public.users.users_locked_until_check
ALTER TABLE public.users ADD CONSTRAINT users_locked_until_check CHECK ((locked_until > created_at));

-- Add constraint public.users.users_login_attempts_check
ALTER TABLE public.users ADD CONSTRAINT users_login_attempts_check CHECK (((login_attempts >= 0) AND (login_attempts <= 1000)));

-- Add constraint public.users.users_pending_email_check
ALTER TABLE public.users ADD CONSTRAINT users_pending_email_check CHECK (((pending_email IS NULL) OR (((pending_email)::text <> (email)::text) AND (kind = 'person'::public.user_kind) AND (NOT is_deleted))));

-- Add index public.passkeys_user_id_idx
CREATE INDEX passkeys_user_id_idx ON public.passkeys USING btree (user_id);

-- Add index public.recovery_codes_unused_of_account
CREATE INDEX recovery_codes_unused_of_account ON public.recovery_codes USING btree (account_id) WHERE (used_at IS NULL);

-- Add index public.recovery_codes_user_id_idx
CREATE INDEX recovery_codes_user_id_idx ON public.recovery_codes USING btree (user_id);

-- Add index public.sessions_active_of_account
CREATE INDEX sessions_active_of_account ON public.sessions USING btree (account_id, created_at, id) WHERE (revoked_at IS NULL);

-- Add index public.sessions_id_tenant_id_key
CREATE UNIQUE INDEX sessions_id_tenant_id_key ON public.sessions USING btree (id, tenant_id);

-- Add index public.sessions_tenant_id_idx
CREATE INDEX sessions_tenant_id_idx ON public.sessions USING btree (tenant_id);

-- Add index public.sessions_user_id_idx
CREATE INDEX sessions_user_id_idx ON public.sessions USING btree (user_id);

-- Add index public.totp_factors_user_id_idx
CREATE INDEX totp_factors_user_id_idx ON public.totp_factors USING btree (user_id);

-- Add index public.users_live_email
CREATE UNIQUE INDEX users_live_email ON public.users USING btree (email, email_scope) NULLS NOT DISTINCT WHERE (NOT is_deleted);

-- Add trigger public.passkeys.passkeys_carry_account
CREATE TRIGGER passkeys_carry_account BEFORE INSERT ON public.passkeys FOR EACH ROW EXECUTE FUNCTION public.carry_account();

-- Add trigger public.passkeys.passkeys_of_platform
CREATE TRIGGER passkeys_of_platform AFTER INSERT OR UPDATE OF user_id, tenant_id ON public.passkeys FOR EACH ROW WHEN ((new.tenant_id IS NULL)) EXECUTE FUNCTION public.assert_of_platform('users', 'user_id');

-- Add trigger public.recovery_codes.recovery_codes_carry_account
CREATE TRIGGER recovery_codes_carry_account BEFORE INSERT ON public.recovery_codes FOR EACH ROW EXECUTE FUNCTION public.carry_account();

-- Add trigger public.recovery_codes.recovery_codes_of_platform
CREATE TRIGGER recovery_codes_of_platform AFTER INSERT OR UPDATE OF user_id, tenant_id ON public.recovery_codes FOR EACH ROW WHEN ((new.tenant_id IS NULL)) EXECUTE FUNCTION public.assert_of_platform('users', 'user_id');

-- Add trigger public.refresh_tokens.refresh_tokens_of_platform
CREATE TRIGGER refresh_tokens_of_platform AFTER INSERT OR UPDATE OF session_id, tenant_id ON public.refresh_tokens FOR EACH ROW WHEN ((new.tenant_id IS NULL)) EXECUTE FUNCTION public.assert_of_platform('sessions', 'session_id');

-- Add trigger public.sessions.sessions_carry
CREATE TRIGGER sessions_carry AFTER INSERT OR UPDATE OF ip, last_used_at, revoked_at ON public.sessions FOR EACH ROW EXECUTE FUNCTION public.carry_session();

-- Add trigger public.sessions.sessions_carry_account
CREATE TRIGGER sessions_carry_account BEFORE INSERT ON public.sessions FOR EACH ROW EXECUTE FUNCTION public.carry_account();

-- Add trigger public.sessions.sessions_of_platform
CREATE TRIGGER sessions_of_platform AFTER INSERT OR UPDATE OF user_id, tenant_id ON public.sessions FOR EACH ROW WHEN ((new.tenant_id IS NULL)) EXECUTE FUNCTION public.assert_of_platform('users', 'user_id');

-- Add trigger public.totp_factors.totp_factors_carry_account
CREATE TRIGGER totp_factors_carry_account BEFORE INSERT ON public.totp_factors FOR EACH ROW EXECUTE FUNCTION public.carry_account();

-- Add trigger public.totp_factors.totp_factors_of_platform
CREATE TRIGGER totp_factors_of_platform AFTER INSERT OR UPDATE OF user_id, tenant_id ON public.totp_factors FOR EACH ROW WHEN ((new.tenant_id IS NULL)) EXECUTE FUNCTION public.assert_of_platform('users', 'user_id');

-- Add trigger public.users.users_carry
CREATE TRIGGER users_carry AFTER INSERT ON public.users FOR EACH ROW WHEN ((new.kind = 'person'::public.user_kind)) EXECUTE FUNCTION public.carry_user();

-- Add trigger public.users.users_carry_changes
CREATE TRIGGER users_carry_changes AFTER UPDATE OF tenant_id, email_scope, email, pending_email, email_verified_at, password_hash, password_origin, login_attempts, locked_until, is_deleted ON public.users FOR EACH ROW WHEN ((new.kind = 'person'::public.user_kind)) EXECUTE FUNCTION public.carry_user();

-- Add trigger public.users.users_carry_end
CREATE TRIGGER users_carry_end AFTER DELETE ON public.users FOR EACH ROW WHEN ((old.account_id IS NOT NULL)) EXECUTE FUNCTION public.carry_user();

-- Add policy public.passkeys.tenant_scope
CREATE POLICY tenant_scope ON public.passkeys AS PERMISSIVE FOR ALL TO PUBLIC USING (public.in_scope(tenant_id)) WITH CHECK (public.in_scope(tenant_id));

-- Add policy public.recovery_codes.tenant_scope
CREATE POLICY tenant_scope ON public.recovery_codes AS PERMISSIVE FOR ALL TO PUBLIC USING (public.in_scope(tenant_id)) WITH CHECK (public.in_scope(tenant_id));

-- Add policy public.refresh_tokens.tenant_scope
CREATE POLICY tenant_scope ON public.refresh_tokens AS PERMISSIVE FOR ALL TO PUBLIC USING (public.in_scope(tenant_id)) WITH CHECK (public.in_scope(tenant_id));

-- Add policy public.sessions.tenant_scope
CREATE POLICY tenant_scope ON public.sessions AS PERMISSIVE FOR ALL TO PUBLIC USING (public.in_scope(tenant_id)) WITH CHECK (public.in_scope(tenant_id));

-- Add policy public.totp_factors.tenant_scope
CREATE POLICY tenant_scope ON public.totp_factors AS PERMISSIVE FOR ALL TO PUBLIC USING (public.in_scope(tenant_id)) WITH CHECK (public.in_scope(tenant_id));

-- Change constraint public.users.users_service_check
ALTER TABLE public.users DROP CONSTRAINT users_service_check;
ALTER TABLE public.users ADD CONSTRAINT users_service_check CHECK ((((kind = 'person'::public.user_kind) AND ((email)::text !~~ '%@service.invalid'::text)) OR ((kind = 'service'::public.user_kind) AND (password_hash IS NULL) AND ((email)::text ~~ '%@service.invalid'::text))));

-- Change index public.recovery_codes_unused
DROP INDEX public.recovery_codes_unused;
CREATE INDEX recovery_codes_unused ON public.recovery_codes USING btree (user_id) WHERE (used_at IS NULL);

-- Change index public.sessions_active
DROP INDEX public.sessions_active;
CREATE INDEX sessions_active ON public.sessions USING btree (user_id, created_at, id) WHERE (revoked_at IS NULL);

-- Change index public.totp_factors_one_confirmed
DROP INDEX public.totp_factors_one_confirmed;
CREATE UNIQUE INDEX totp_factors_one_confirmed ON public.totp_factors USING btree (user_id) WHERE (confirmed_at IS NOT NULL);

-- Change trigger public.users.users_void_one_time_tokens
CREATE OR REPLACE TRIGGER users_void_one_time_tokens AFTER UPDATE OF email, password_hash, status, is_deleted ON public.users FOR EACH ROW WHEN ((((old.email)::text <> (new.email)::text) OR ((old.password_hash)::text IS DISTINCT FROM (new.password_hash)::text) OR (old.status <> new.status) OR (old.is_deleted <> new.is_deleted))) EXECUTE FUNCTION public.void_one_time_tokens();

-- Add constraint public.refresh_tokens.refresh_tokens_session_tenant_fkey
ALTER TABLE public.refresh_tokens ADD CONSTRAINT refresh_tokens_session_tenant_fkey FOREIGN KEY (session_id, tenant_id) REFERENCES public.sessions(id, tenant_id) ON UPDATE CASCADE ON DELETE CASCADE;

-- Drop function public.void_one_time_tokens_of_user()
DROP FUNCTION public.void_one_time_tokens_of_user();
