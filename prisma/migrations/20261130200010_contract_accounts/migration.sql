-- The old columns go, and with them what carried them over: from here on the server of before cannot write. Replace it now.
-- Nothing is filled, and no index is built but on the few authenticator apps and passkeys.
-- With 100,000 users and 200,000 sessions who wrote meanwhile waited for 0.33 s at most, on two busy cores.
--
-- All locks at once, in the order in which the server takes them, or none (see the first of these migrations).
SET LOCAL lock_timeout = '500ms';
DO $$
BEGIN
  FOR attempt IN 1..100 LOOP
    BEGIN
      LOCK TABLE public.users, public.accounts, public.sessions, public.session_users, public.refresh_tokens, public.totp_factors, public.recovery_codes, public.passkeys IN ACCESS EXCLUSIVE MODE;
      RETURN;
    EXCEPTION WHEN lock_not_available OR deadlock_detected THEN
      PERFORM pg_sleep(0.2);
    END;
  END LOOP;
  RAISE EXCEPTION 'no moment without somebody who holds a lock' USING ERRCODE = 'lock_not_available';
END
$$;

-- The bodies of functions may name what comes later.
SET check_function_bodies = off;

-- Drop policy public.passkeys.tenant_scope
DROP POLICY tenant_scope ON public.passkeys;

-- Drop policy public.recovery_codes.tenant_scope
DROP POLICY tenant_scope ON public.recovery_codes;

-- Drop policy public.refresh_tokens.tenant_scope
DROP POLICY tenant_scope ON public.refresh_tokens;

-- Drop policy public.sessions.tenant_scope
DROP POLICY tenant_scope ON public.sessions;

-- Drop policy public.totp_factors.tenant_scope
DROP POLICY tenant_scope ON public.totp_factors;

-- Drop trigger public.passkeys.passkeys_carry_account
DROP TRIGGER passkeys_carry_account ON public.passkeys;

-- Drop trigger public.passkeys.passkeys_of_platform
DROP TRIGGER passkeys_of_platform ON public.passkeys;

-- Drop trigger public.recovery_codes.recovery_codes_carry_account
DROP TRIGGER recovery_codes_carry_account ON public.recovery_codes;

-- Drop trigger public.recovery_codes.recovery_codes_of_platform
DROP TRIGGER recovery_codes_of_platform ON public.recovery_codes;

-- Drop trigger public.refresh_tokens.refresh_tokens_of_platform
DROP TRIGGER refresh_tokens_of_platform ON public.refresh_tokens;

-- Drop trigger public.sessions.sessions_carry
DROP TRIGGER sessions_carry ON public.sessions;

-- Drop trigger public.sessions.sessions_carry_account
DROP TRIGGER sessions_carry_account ON public.sessions;

-- Drop trigger public.sessions.sessions_of_platform
DROP TRIGGER sessions_of_platform ON public.sessions;

-- Drop trigger public.totp_factors.totp_factors_carry_account
DROP TRIGGER totp_factors_carry_account ON public.totp_factors;

-- Drop trigger public.totp_factors.totp_factors_of_platform
DROP TRIGGER totp_factors_of_platform ON public.totp_factors;

-- Drop trigger public.users.users_carry
DROP TRIGGER users_carry ON public.users;

-- Drop trigger public.users.users_carry_changes
DROP TRIGGER users_carry_changes ON public.users;

-- Drop trigger public.users.users_carry_end
DROP TRIGGER users_carry_end ON public.users;

-- Drop index public.passkeys_user_id_idx
DROP INDEX public.passkeys_user_id_idx;

-- Drop index public.recovery_codes_user_id_idx
DROP INDEX public.recovery_codes_user_id_idx;

-- Drop index public.sessions_tenant_id_idx
DROP INDEX public.sessions_tenant_id_idx;

-- Drop index public.sessions_user_id_idx
DROP INDEX public.sessions_user_id_idx;

-- Drop index public.totp_factors_user_id_idx
DROP INDEX public.totp_factors_user_id_idx;

-- Drop index public.users_live_email
DROP INDEX public.users_live_email;

-- Change column public.passkeys.account_id
ALTER TABLE public.passkeys ALTER COLUMN account_id SET NOT NULL;

-- Drop constraint public.passkeys.passkeys_account_check
ALTER TABLE public.passkeys DROP CONSTRAINT passkeys_account_check;

-- Drop constraint public.passkeys.passkeys_user_id_fkey
ALTER TABLE public.passkeys DROP CONSTRAINT passkeys_user_id_fkey;

-- Drop constraint public.passkeys.passkeys_user_tenant_fkey
ALTER TABLE public.passkeys DROP CONSTRAINT passkeys_user_tenant_fkey;

-- Change column public.recovery_codes.account_id
ALTER TABLE public.recovery_codes ALTER COLUMN account_id SET NOT NULL;

-- Drop constraint public.recovery_codes.recovery_codes_account_check
ALTER TABLE public.recovery_codes DROP CONSTRAINT recovery_codes_account_check;

-- Drop constraint public.recovery_codes.recovery_codes_user_id_fkey
ALTER TABLE public.recovery_codes DROP CONSTRAINT recovery_codes_user_id_fkey;

-- Drop constraint public.recovery_codes.recovery_codes_user_tenant_fkey
ALTER TABLE public.recovery_codes DROP CONSTRAINT recovery_codes_user_tenant_fkey;

-- Drop constraint public.refresh_tokens.refresh_tokens_session_tenant_fkey
ALTER TABLE public.refresh_tokens DROP CONSTRAINT refresh_tokens_session_tenant_fkey;

-- Change column public.sessions.account_id
ALTER TABLE public.sessions ALTER COLUMN account_id SET NOT NULL;

-- Drop constraint public.sessions.sessions_account_check
ALTER TABLE public.sessions DROP CONSTRAINT sessions_account_check;

-- Drop constraint public.sessions.sessions_user_id_fkey
ALTER TABLE public.sessions DROP CONSTRAINT sessions_user_id_fkey;

-- Drop constraint public.sessions.sessions_user_tenant_fkey
ALTER TABLE public.sessions DROP CONSTRAINT sessions_user_tenant_fkey;

-- Change column public.totp_factors.account_id
ALTER TABLE public.totp_factors ALTER COLUMN account_id SET NOT NULL;

-- Drop constraint public.totp_factors.totp_factors_account_check
ALTER TABLE public.totp_factors DROP CONSTRAINT totp_factors_account_check;

-- Drop constraint public.totp_factors.totp_factors_user_id_fkey
ALTER TABLE public.totp_factors DROP CONSTRAINT totp_factors_user_id_fkey;

-- Drop constraint public.totp_factors.totp_factors_user_tenant_fkey
ALTER TABLE public.totp_factors DROP CONSTRAINT totp_factors_user_tenant_fkey;

-- Drop constraint public.users.users_email_scope_check
ALTER TABLE public.users DROP CONSTRAINT users_email_scope_check;

-- Drop constraint public.users.users_locked_until_check
ALTER TABLE public.users DROP CONSTRAINT users_locked_until_check;

-- Drop constraint public.users.users_login_attempts_check
ALTER TABLE public.users DROP CONSTRAINT users_login_attempts_check;

-- Drop constraint public.users.users_pending_email_check
ALTER TABLE public.users DROP CONSTRAINT users_pending_email_check;

-- Drop function public.carry_account()
DROP FUNCTION public.carry_account();

-- Drop function public.carry_session()
DROP FUNCTION public.carry_session();

-- Drop function public.carry_user()
DROP FUNCTION public.carry_user();

-- Change function public.void_one_time_tokens()
CREATE OR REPLACE FUNCTION public.void_one_time_tokens()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
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
$function$;

-- Change constraint public.users.users_service_check
ALTER TABLE public.users DROP CONSTRAINT users_service_check;
ALTER TABLE public.users ADD CONSTRAINT users_service_check CHECK ((((kind = 'person'::public.user_kind) AND ((email)::text !~~ '%@service.invalid'::text)) OR ((kind = 'service'::public.user_kind) AND ((email)::text ~~ '%@service.invalid'::text))));

-- Change index public.recovery_codes_unused
DROP INDEX public.recovery_codes_unused;
ALTER INDEX public.recovery_codes_unused_of_account RENAME TO recovery_codes_unused;

-- Change index public.sessions_active
DROP INDEX public.sessions_active;
ALTER INDEX public.sessions_active_of_account RENAME TO sessions_active;

-- Change index public.totp_factors_one_confirmed
DROP INDEX public.totp_factors_one_confirmed;
CREATE UNIQUE INDEX totp_factors_one_confirmed ON public.totp_factors USING btree (account_id) WHERE (confirmed_at IS NOT NULL);

-- Change trigger public.users.users_stay
CREATE OR REPLACE TRIGGER users_stay BEFORE UPDATE OF tenant_id ON public.users FOR EACH ROW WHEN ((old.tenant_id IS DISTINCT FROM new.tenant_id)) EXECUTE FUNCTION public.refuse_other_tenant();

-- Add function public.assert_own_account()
CREATE OR REPLACE FUNCTION public.assert_own_account()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
BEGIN
  IF NOT EXISTS (SELECT FROM public.accounts WHERE id = NEW.account_id) THEN
    RAISE EXCEPTION 'users.account_id names an account that is not the tenant''s' USING ERRCODE = 'foreign_key_violation';
  END IF;
  RETURN NULL;
END
$function$;

-- Add function public.assert_own_pool()
CREATE OR REPLACE FUNCTION public.assert_own_pool()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
DECLARE
  scope_before CONSTANT text := public.change_scope('platform');
BEGIN
  IF EXISTS (SELECT FROM public.users JOIN public.accounts ON accounts.id = users.account_id
      WHERE accounts.id = CASE TG_TABLE_NAME WHEN 'users' THEN (to_jsonb(NEW) ->> 'account_id')::uuid ELSE NEW.id END
        AND accounts.pool_id IS NOT NULL AND accounts.pool_id IS DISTINCT FROM users.tenant_id) THEN
    RAISE EXCEPTION 'an account of one tenant''s pool has no user elsewhere' USING ERRCODE = 'foreign_key_violation';
  END IF;
  PERFORM public.change_scope(scope_before);
  RETURN NULL;
END
$function$;

-- Add function public.assert_own_session()
CREATE OR REPLACE FUNCTION public.assert_own_session()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
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
$function$;

-- Add function public.copy_from_account()
CREATE OR REPLACE FUNCTION public.copy_from_account()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
DECLARE
  scope_before CONSTANT text := public.change_scope('platform');
BEGIN
  SELECT email, pending_email, email_verified_at INTO NEW.email, NEW.pending_email, NEW.email_verified_at
  FROM public.accounts WHERE id = NEW.account_id AND NOT is_deleted
  UNION ALL SELECT NEW.email, NEW.pending_email, NEW.email_verified_at LIMIT 1;
  -- To a tenant it is proved from when the tenant knows them: an earlier time would tell of an account elsewhere.
  IF NEW.email_verified_at < now() - interval '1 second' AND (TG_OP = 'INSERT' OR OLD.account_id IS DISTINCT FROM NEW.account_id) THEN
    NEW.email_verified_at := now();
  END IF;
  PERFORM public.change_scope(scope_before);
  RETURN NEW;
END
$function$;

-- Add function public.copy_to_users()
CREATE OR REPLACE FUNCTION public.copy_to_users()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
DECLARE
  scope_before CONSTANT text := public.change_scope('platform');
BEGIN
  -- Whoever has proved an address is the person whom a tenant has added by it: what it has said of them gives way.
  IF NEW.email <> OLD.email AND NEW.pool_id IS NULL THEN
    UPDATE public.users AS said SET is_deleted = true, deleted_at = now(), updated_at = now(), version = said.version + 1
    FROM public.users AS own
    WHERE own.account_id = NEW.id AND NOT own.is_deleted AND said.tenant_id = own.tenant_id AND said.email = NEW.email
      AND said.account_id <> NEW.id AND NOT said.is_deleted;
  END IF;
  -- An ETag is made of the version.
  UPDATE public.users SET email = NEW.email, pending_email = NEW.pending_email,
    email_verified_at = CASE WHEN (NEW.email_verified_at, NEW.email) IS DISTINCT FROM (OLD.email_verified_at, OLD.email)
      THEN NEW.email_verified_at ELSE users.email_verified_at END,
    version = version + (NEW.email <> OLD.email)::int
  WHERE account_id = NEW.id AND NOT is_deleted;
  PERFORM public.change_scope(scope_before);
  RETURN NULL;
END
$function$;

-- Add function public.end_mute_session()
CREATE OR REPLACE FUNCTION public.end_mute_session()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
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
$function$;

-- Add function public.follow_users()
CREATE OR REPLACE FUNCTION public.follow_users()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
DECLARE
  scope_before CONSTANT text := public.change_scope('platform');
  followed uuid;
BEGIN
  -- Of an account that was exchanged for another one, both.
  FOR followed IN SELECT DISTINCT id FROM unnest(ARRAY[OLD.account_id, CASE TG_OP WHEN 'UPDATE' THEN NEW.account_id END]) AS id
    WHERE id IS NOT NULL
  LOOP
    -- Of two users who are deleted at once each would see the other. Not by the account's row, for which log-ins wait.
    PERFORM pg_advisory_xact_lock(730209, hashtext(followed::text));
    IF EXISTS (SELECT FROM public.users WHERE account_id = followed AND NOT is_deleted) THEN
      UPDATE public.accounts SET is_deleted = false, deleted_at = NULL WHERE id = followed AND is_deleted;
    ELSIF EXISTS (SELECT FROM public.users WHERE account_id = followed) THEN
      UPDATE public.accounts SET is_deleted = true, deleted_at = now(), pending_email = NULL WHERE id = followed AND NOT is_deleted;
    ELSE
      DELETE FROM public.accounts WHERE id = followed;
    END IF;
  END LOOP;
  PERFORM public.change_scope(scope_before);
  RETURN NULL;
END
$function$;

-- Add function public.lock_account(uuid, uuid)
CREATE OR REPLACE FUNCTION public.lock_account(of_user uuid, tenant uuid, OUT locked_id uuid, OUT locked_pool uuid)
 RETURNS record
 LANGUAGE plpgsql
AS $function$
DECLARE
  scope_before CONSTANT text := public.change_scope('platform');
BEGIN
  LOOP
    SELECT accounts.id, accounts.pool_id INTO locked_id, locked_pool
    FROM public.users JOIN public.accounts ON accounts.id = users.account_id WHERE users.id = of_user;
    EXIT WHEN locked_id IS NULL OR tenant IS NOT NULL AND locked_id::text <> coalesce(current_setting('tenantry.account', true), '')
      AND EXISTS (SELECT FROM public.users
        WHERE users.account_id = locked_id AND users.tenant_id IS DISTINCT FROM tenant AND NOT users.is_deleted);
    SELECT accounts.pool_id INTO locked_pool FROM public.accounts WHERE accounts.id = locked_id FOR UPDATE;
    -- By now the user may be one of another account.
    EXIT WHEN EXISTS (SELECT FROM public.users WHERE users.id = of_user AND users.account_id = locked_id);
  END LOOP;
  PERFORM public.change_scope(scope_before);
END
$function$;

-- Add function public.make_room_for_user(uuid)
CREATE OR REPLACE FUNCTION public.make_room_for_user(back uuid)
 RETURNS boolean
 LANGUAGE plpgsql
AS $function$
DECLARE
  scope_before CONSTANT text := public.change_scope('platform');
  made uuid := public.new_id();
BEGIN
  INSERT INTO public.accounts (id, pool_id, email)
  SELECT made, users.tenant_id, accounts.email FROM public.users JOIN public.accounts ON accounts.id = users.account_id
  WHERE users.id = back AND users.is_deleted AND users.tenant_id IS NOT NULL AND accounts.is_deleted AND accounts.pool_id IS NULL
    AND EXISTS (SELECT FROM public.accounts AS other
      WHERE other.email = accounts.email AND other.pool_id IS NULL AND NOT other.is_deleted);
  IF FOUND THEN
    UPDATE public.users SET account_id = made WHERE id = back;
    PERFORM public.change_scope(scope_before);
    RETURN true;
  END IF;
  PERFORM public.change_scope(scope_before);
  RETURN false;
END
$function$;

-- Add function public.notify_session_user_revoked()
CREATE OR REPLACE FUNCTION public.notify_session_user_revoked()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
BEGIN
  PERFORM pg_notify('session_revoked', OLD.session_id || ' ' || OLD.user_id);
  RETURN NULL;
END
$function$;

-- Add function public.notify_user_account()
CREATE OR REPLACE FUNCTION public.notify_user_account()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
BEGIN
  PERFORM pg_notify('grants_changed', NEW.id::text);
  RETURN NULL;
END
$function$;

-- Add function public.record_account_event(uuid, jsonb)
CREATE OR REPLACE FUNCTION public.record_account_event(account uuid, event jsonb)
 RETURNS void
 LANGUAGE plpgsql
AS $function$
DECLARE
  scope_before CONSTANT text := public.change_scope('platform');
  entry public.audit_log := jsonb_populate_record(NULL::public.audit_log, event);
  full_entry public.audit_log := entry;
  member record;
BEGIN
  FOR member IN
    SELECT users.id, users.tenant_id FROM public.users
    WHERE users.account_id = account AND NOT users.is_deleted AND users.tenant_id IS DISTINCT FROM entry.tenant_id
  LOOP
    CONTINUE WHEN member.tenant_id IS NULL;
    INSERT INTO public.audit_log (id, tenant_id, actor_id, action, resource_type, resource_id, outcome, details, created_at)
    VALUES (public.new_id(), member.tenant_id,
      CASE WHEN entry.actor_id IN (SELECT users.id FROM public.users WHERE users.account_id = account) THEN member.id END,
      entry.action, 'user', member.id, entry.outcome, '{}', entry.created_at);
  END LOOP;
  IF FOUND AND entry.tenant_id IS NOT NULL THEN
    full_entry.id := public.new_id();
    full_entry.tenant_id := NULL;
    INSERT INTO public.audit_log SELECT full_entry.*;
    entry.details := '{}';
    IF entry.session_id IS NULL THEN
      entry.ip := NULL;
      entry.user_agent := NULL;
      entry.request_id := NULL;
    END IF;
  END IF;
  INSERT INTO public.audit_log SELECT entry.*;
  PERFORM public.change_scope(scope_before);
END
$function$;

-- Add function public.record_impersonation_ended()
CREATE OR REPLACE FUNCTION public.record_impersonation_ended()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
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
$function$;

-- Add function public.settle_account(uuid)
CREATE OR REPLACE FUNCTION public.settle_account(settled uuid)
 RETURNS uuid
 LANGUAGE plpgsql
AS $function$
DECLARE
  scope_before CONSTANT text := public.change_scope('platform');
  own public.accounts;
  other public.accounts;
BEGIN
  SELECT * INTO STRICT own FROM public.accounts WHERE id = settled FOR UPDATE;
  LOOP
    SELECT * INTO other FROM public.accounts WHERE email = own.email AND pool_id IS NULL AND NOT is_deleted AND id <> settled FOR UPDATE;
    IF other.email_verified_at IS NOT NULL THEN
      UPDATE public.users SET account_id = other.id WHERE account_id = settled;
      PERFORM public.change_scope(scope_before);
      RETURN other.id;
    END IF;
    -- Whoever has set that one up need not be the person: nothing of it stays but who it is in which tenant.
    UPDATE public.api_keys SET revoked_at = now()
    WHERE revoked_at IS NULL AND user_id IN (SELECT id FROM public.users WHERE account_id = other.id);
    BEGIN
      UPDATE public.accounts SET is_deleted = true, deleted_at = now(), pending_email = NULL WHERE id = other.id;
      UPDATE public.accounts SET pool_id = NULL WHERE id = settled;
      UPDATE public.users SET account_id = settled WHERE account_id = other.id;
      PERFORM public.change_scope(scope_before);
      RETURN settled;
    EXCEPTION WHEN unique_violation THEN
      -- Somebody has taken the address meanwhile: look again.
    END;
  END LOOP;
END
$function$;

-- Add function public.void_one_time_tokens_of_user()
CREATE OR REPLACE FUNCTION public.void_one_time_tokens_of_user()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
BEGIN
  UPDATE public.one_time_tokens SET used_at = now() WHERE user_id = NEW.id AND used_at IS NULL;
  RETURN NULL;
END
$function$;

-- Add constraint public.users.users_account_check
ALTER TABLE public.users ADD CONSTRAINT users_account_check CHECK (
CASE kind
    WHEN 'service'::public.user_kind THEN (account_id IS NULL)
    ELSE ((account_id IS NOT NULL) OR is_deleted)
END);

-- Add index public.passkeys_account_id_idx
CREATE INDEX passkeys_account_id_idx ON public.passkeys USING btree (account_id);

-- Add index public.totp_factors_account_id_idx
CREATE INDEX totp_factors_account_id_idx ON public.totp_factors USING btree (account_id);

-- Add trigger public.accounts.accounts_copy_to_users
CREATE TRIGGER accounts_copy_to_users AFTER UPDATE OF email, pending_email, email_verified_at ON public.accounts FOR EACH ROW WHEN (((NOT new.is_deleted) AND (((old.email)::text IS DISTINCT FROM (new.email)::text) OR ((old.pending_email)::text IS DISTINCT FROM (new.pending_email)::text) OR (old.email_verified_at IS DISTINCT FROM new.email_verified_at)))) EXECUTE FUNCTION public.copy_to_users();

-- Add trigger public.accounts.accounts_own_pool
CREATE TRIGGER accounts_own_pool AFTER UPDATE OF pool_id ON public.accounts FOR EACH ROW WHEN ((old.pool_id IS DISTINCT FROM new.pool_id)) EXECUTE FUNCTION public.assert_own_pool();

-- Add trigger public.accounts.accounts_void_one_time_tokens
CREATE TRIGGER accounts_void_one_time_tokens AFTER UPDATE OF email, password_hash ON public.accounts FOR EACH ROW WHEN ((((old.email)::text <> (new.email)::text) OR ((old.password_hash)::text IS DISTINCT FROM (new.password_hash)::text))) EXECUTE FUNCTION public.void_one_time_tokens();

-- Add trigger public.session_users.session_users_end_mute
CREATE TRIGGER session_users_end_mute AFTER UPDATE OF revoked_at ON public.session_users FOR EACH ROW WHEN (((old.revoked_at IS NULL) AND (new.revoked_at IS NOT NULL))) EXECUTE FUNCTION public.end_mute_session();

-- Add trigger public.session_users.session_users_notify_deleted
CREATE TRIGGER session_users_notify_deleted AFTER DELETE ON public.session_users FOR EACH ROW EXECUTE FUNCTION public.notify_session_user_revoked();

-- Add trigger public.session_users.session_users_notify_revoked
CREATE TRIGGER session_users_notify_revoked AFTER UPDATE OF revoked_at ON public.session_users FOR EACH ROW WHEN (((old.revoked_at IS NULL) AND (new.revoked_at IS NOT NULL))) EXECUTE FUNCTION public.notify_session_user_revoked();

-- Add trigger public.session_users.session_users_of_platform
CREATE TRIGGER session_users_of_platform AFTER INSERT OR UPDATE OF user_id, tenant_id ON public.session_users FOR EACH ROW WHEN ((new.tenant_id IS NULL)) EXECUTE FUNCTION public.assert_of_platform('users', 'user_id');

-- Add trigger public.session_users.session_users_own
CREATE TRIGGER session_users_own AFTER INSERT OR UPDATE OF session_id, user_id ON public.session_users FOR EACH ROW EXECUTE FUNCTION public.assert_own_session();

-- Add trigger public.sessions.sessions_record_impersonation_ended
CREATE TRIGGER sessions_record_impersonation_ended AFTER UPDATE OF revoked_at ON public.sessions FOR EACH ROW WHEN (((new.impersonator_id IS NOT NULL) AND (old.revoked_at IS NULL) AND (new.revoked_at IS NOT NULL))) EXECUTE FUNCTION public.record_impersonation_ended();

-- Add trigger public.users.users_account_follows
CREATE TRIGGER users_account_follows AFTER UPDATE OF is_deleted, account_id ON public.users FOR EACH ROW WHEN (((old.is_deleted <> new.is_deleted) OR (old.account_id IS DISTINCT FROM new.account_id))) EXECUTE FUNCTION public.follow_users();

-- Add trigger public.users.users_account_goes
CREATE TRIGGER users_account_goes AFTER DELETE ON public.users FOR EACH ROW WHEN ((old.account_id IS NOT NULL)) EXECUTE FUNCTION public.follow_users();

-- Add trigger public.users.users_copy_account
CREATE TRIGGER users_copy_account BEFORE INSERT OR UPDATE OF account_id, is_deleted ON public.users FOR EACH ROW WHEN (((new.account_id IS NOT NULL) AND (NOT new.is_deleted))) EXECUTE FUNCTION public.copy_from_account();

-- Add trigger public.users.users_notify_account
CREATE TRIGGER users_notify_account AFTER UPDATE OF account_id ON public.users FOR EACH ROW WHEN ((old.account_id IS DISTINCT FROM new.account_id)) EXECUTE FUNCTION public.notify_user_account();

-- Add trigger public.users.users_own_account
CREATE TRIGGER users_own_account AFTER INSERT OR UPDATE OF account_id ON public.users FOR EACH ROW WHEN ((new.account_id IS NOT NULL)) EXECUTE FUNCTION public.assert_own_account();

-- Add trigger public.users.users_own_pool
CREATE TRIGGER users_own_pool AFTER INSERT OR UPDATE OF account_id ON public.users FOR EACH ROW WHEN ((new.account_id IS NOT NULL)) EXECUTE FUNCTION public.assert_own_pool();

-- Add policy public.passkeys.account_scope
CREATE POLICY account_scope ON public.passkeys AS PERMISSIVE FOR ALL TO PUBLIC USING (public.in_account(account_id)) WITH CHECK (public.in_account(account_id));

-- Add policy public.passkeys.own_pool
CREATE POLICY own_pool ON public.passkeys AS PERMISSIVE FOR ALL TO PUBLIC USING ((EXISTS ( SELECT
   FROM public.accounts
  WHERE ((accounts.id = passkeys.account_id) AND public.in_scope(accounts.pool_id)))));

-- Add policy public.recovery_codes.account_scope
CREATE POLICY account_scope ON public.recovery_codes AS PERMISSIVE FOR ALL TO PUBLIC USING (public.in_account(account_id)) WITH CHECK (public.in_account(account_id));

-- Add policy public.recovery_codes.own_pool
CREATE POLICY own_pool ON public.recovery_codes AS PERMISSIVE FOR ALL TO PUBLIC USING ((EXISTS ( SELECT
   FROM public.accounts
  WHERE ((accounts.id = recovery_codes.account_id) AND public.in_scope(accounts.pool_id)))));

-- Add policy public.refresh_tokens.platform
CREATE POLICY platform ON public.refresh_tokens AS PERMISSIVE FOR ALL TO PUBLIC USING (public.in_scope(NULL::uuid)) WITH CHECK (public.in_scope(NULL::uuid));

-- Add policy public.sessions.account_scope
CREATE POLICY account_scope ON public.sessions AS PERMISSIVE FOR ALL TO PUBLIC USING (public.in_account(account_id)) WITH CHECK (public.in_account(account_id));

-- Add policy public.sessions.own_pool
CREATE POLICY own_pool ON public.sessions AS PERMISSIVE FOR ALL TO PUBLIC USING ((EXISTS ( SELECT
   FROM public.accounts
  WHERE ((accounts.id = sessions.account_id) AND public.in_scope(accounts.pool_id)))));

-- Add policy public.sessions.spoken_for
CREATE POLICY spoken_for ON public.sessions AS PERMISSIVE FOR SELECT TO PUBLIC USING ((EXISTS ( SELECT
   FROM public.session_users
  WHERE (session_users.session_id = sessions.id))));

-- Add policy public.totp_factors.account_scope
CREATE POLICY account_scope ON public.totp_factors AS PERMISSIVE FOR ALL TO PUBLIC USING (public.in_account(account_id)) WITH CHECK (public.in_account(account_id));

-- Add policy public.totp_factors.own_pool
CREATE POLICY own_pool ON public.totp_factors AS PERMISSIVE FOR ALL TO PUBLIC USING ((EXISTS ( SELECT
   FROM public.accounts
  WHERE ((accounts.id = totp_factors.account_id) AND public.in_scope(accounts.pool_id)))));

-- Drop index public.sessions_id_tenant_id_key
DROP INDEX public.sessions_id_tenant_id_key;

-- Change trigger public.users.users_void_one_time_tokens
CREATE OR REPLACE TRIGGER users_void_one_time_tokens AFTER UPDATE OF status, is_deleted, account_id ON public.users FOR EACH ROW WHEN (((old.status <> new.status) OR (old.is_deleted <> new.is_deleted) OR (old.account_id IS DISTINCT FROM new.account_id))) EXECUTE FUNCTION public.void_one_time_tokens_of_user();

-- Drop column public.passkeys.tenant_id (DESTRUCTIVE: drops the column with its data)
ALTER TABLE public.passkeys DROP COLUMN tenant_id;

-- Drop column public.passkeys.user_id (DESTRUCTIVE: drops the column with its data)
ALTER TABLE public.passkeys DROP COLUMN user_id;

-- Drop column public.recovery_codes.tenant_id (DESTRUCTIVE: drops the column with its data)
ALTER TABLE public.recovery_codes DROP COLUMN tenant_id;

-- Drop column public.recovery_codes.user_id (DESTRUCTIVE: drops the column with its data)
ALTER TABLE public.recovery_codes DROP COLUMN user_id;

-- Drop column public.refresh_tokens.tenant_id (DESTRUCTIVE: drops the column with its data)
ALTER TABLE public.refresh_tokens DROP COLUMN tenant_id;

-- Drop column public.sessions.tenant_id (DESTRUCTIVE: drops the column with its data)
ALTER TABLE public.sessions DROP COLUMN tenant_id;

-- Drop column public.sessions.user_id (DESTRUCTIVE: drops the column with its data)
ALTER TABLE public.sessions DROP COLUMN user_id;

-- Drop column public.totp_factors.tenant_id (DESTRUCTIVE: drops the column with its data)
ALTER TABLE public.totp_factors DROP COLUMN tenant_id;

-- Drop column public.totp_factors.user_id (DESTRUCTIVE: drops the column with its data)
ALTER TABLE public.totp_factors DROP COLUMN user_id;

-- Drop column public.users.email_scope (DESTRUCTIVE: drops the column with its data)
ALTER TABLE public.users DROP COLUMN email_scope;

-- Drop column public.users.locked_until (DESTRUCTIVE: drops the column with its data)
ALTER TABLE public.users DROP COLUMN locked_until;

-- Drop column public.users.login_attempts (DESTRUCTIVE: drops the column with its data)
ALTER TABLE public.users DROP COLUMN login_attempts;

-- Drop column public.users.password_hash (DESTRUCTIVE: drops the column with its data)
ALTER TABLE public.users DROP COLUMN password_hash;

-- Drop column public.users.password_origin (DESTRUCTIVE: drops the column with its data)
ALTER TABLE public.users DROP COLUMN password_origin;
