-- Accounts that their people end, and addresses of accounts whose tenants are all deleted. The columns are empty; the rows are
-- looked at by the next migration (NOT VALID), and the index has its own. Who does not get the lock in five seconds lets the others
-- go on: deploy again.
SET LOCAL lock_timeout = '5s';
ALTER TABLE "accounts" ADD COLUMN "ended_at" TIMESTAMPTZ(3), ADD COLUMN "undo_hash" BYTEA;

-- The bodies of functions may name what comes later.
SET check_function_bodies = off;

-- Change function public.follow_users()
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
      -- One that was set aside stays so until its tenant comes back.
      UPDATE public.accounts SET is_deleted = false, deleted_at = NULL WHERE id = followed AND is_deleted AND public.keeps_address(id);
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

-- Change function public.make_room_for_user(uuid)
CREATE OR REPLACE FUNCTION public.make_room_for_user(back uuid)
 RETURNS boolean
 LANGUAGE plpgsql
AS $function$
DECLARE
  scope_before CONSTANT text := public.change_scope('platform');
  moved boolean;
BEGIN
  PERFORM FROM public.users JOIN public.accounts ON accounts.id = users.account_id
  WHERE users.id = back AND users.is_deleted AND users.tenant_id IS NOT NULL AND accounts.is_deleted AND accounts.pool_id IS NULL
    AND (accounts.ended_at IS NOT NULL OR EXISTS (SELECT FROM public.accounts AS other
      WHERE other.email = accounts.email AND other.pool_id IS NULL AND NOT other.is_deleted
        AND public.keeps_address(other.id)));
  moved := FOUND;
  IF moved THEN
    PERFORM public.give_account_in_pool(back);
  END IF;
  PERFORM public.change_scope(scope_before);
  RETURN moved;
END
$function$;

-- Add function public.bring_accounts_back()
CREATE OR REPLACE FUNCTION public.bring_accounts_back()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
DECLARE
  scope_before CONSTANT text := public.change_scope('platform');
  back record;
BEGIN
  FOR back IN SELECT users.id, users.account_id FROM public.users JOIN public.accounts ON accounts.id = users.account_id
    WHERE users.tenant_id = NEW.id AND NOT users.is_deleted AND accounts.is_deleted ORDER BY accounts.id FOR UPDATE OF accounts
  LOOP
    BEGIN
      UPDATE public.accounts SET is_deleted = false, deleted_at = NULL WHERE id = back.account_id;
    EXCEPTION WHEN unique_violation THEN
      PERFORM public.give_account_in_pool(back.id);
    END;
  END LOOP;
  PERFORM public.change_scope(scope_before);
  RETURN NULL;
END
$function$;

-- Add function public.give_account_in_pool(uuid)
CREATE OR REPLACE FUNCTION public.give_account_in_pool(of_user uuid)
 RETURNS void
 LANGUAGE plpgsql
AS $function$
DECLARE
  made uuid := public.new_id();
BEGIN
  INSERT INTO public.accounts (id, pool_id, email)
  SELECT made, users.tenant_id, accounts.email FROM public.users JOIN public.accounts ON accounts.id = users.account_id
  WHERE users.id = of_user;
  UPDATE public.users SET account_id = made WHERE id = of_user;
END
$function$;

-- Add function public.keeps_address(uuid)
CREATE OR REPLACE FUNCTION public.keeps_address(account uuid)
 RETURNS boolean
 LANGUAGE sql
 STABLE
AS $function$
  SELECT EXISTS (SELECT FROM public.users LEFT JOIN public.tenants ON tenants.id = users.tenant_id
    WHERE users.account_id = account AND NOT users.is_deleted AND (users.tenant_id IS NULL OR NOT tenants.is_deleted))
$function$;

-- Add function public.set_account_aside()
CREATE OR REPLACE FUNCTION public.set_account_aside()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
DECLARE
  scope_before CONSTANT text := public.change_scope('platform');
  holder uuid;
BEGIN
  SELECT id INTO holder FROM public.accounts WHERE email = NEW.email AND pool_id IS NULL AND NOT is_deleted AND id <> NEW.id;
  IF FOUND AND NOT public.keeps_address(holder) THEN
    -- The tenant before the account. Of one that is just being restored the end is waited for.
    PERFORM FROM public.tenants
    WHERE id IN (SELECT tenant_id FROM public.users WHERE account_id = holder AND NOT is_deleted) ORDER BY id FOR SHARE;
    -- A statement of its own after the lock: it sees who got the account a user meanwhile.
    PERFORM FROM public.accounts WHERE id = holder FOR UPDATE;
    UPDATE public.accounts SET is_deleted = true, deleted_at = now(), pending_email = NULL
    WHERE id = holder AND NOT is_deleted AND NOT public.keeps_address(id);
  END IF;
  PERFORM public.change_scope(scope_before);
  RETURN NEW;
END
$function$;

-- Add constraint public.accounts.accounts_ended_check
ALTER TABLE public.accounts ADD CONSTRAINT accounts_ended_check CHECK (((ended_at IS NULL) OR is_deleted)) NOT VALID;

-- Add constraint public.accounts.accounts_undo_hash_check
ALTER TABLE public.accounts ADD CONSTRAINT accounts_undo_hash_check CHECK (((undo_hash IS NULL) OR ((octet_length(undo_hash) = 32) AND (ended_at IS NOT NULL)))) NOT VALID;

-- Add trigger public.accounts.accounts_set_aside
CREATE TRIGGER accounts_set_aside BEFORE INSERT OR UPDATE OF email, pool_id, is_deleted ON public.accounts FOR EACH ROW WHEN (((new.pool_id IS NULL) AND (NOT new.is_deleted))) EXECUTE FUNCTION public.set_account_aside();

-- Add trigger public.tenants.tenants_bring_accounts_back
CREATE TRIGGER tenants_bring_accounts_back AFTER UPDATE OF is_deleted ON public.tenants FOR EACH ROW WHEN ((old.is_deleted AND (NOT new.is_deleted))) EXECUTE FUNCTION public.bring_accounts_back();
