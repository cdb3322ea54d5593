-- The bodies of functions may name what comes later.
SET check_function_bodies = off;

-- Drop trigger public.accounts.accounts_set_aside
DROP TRIGGER accounts_set_aside ON public.accounts;

-- Drop trigger public.tenants.tenants_bring_accounts_back
DROP TRIGGER tenants_bring_accounts_back ON public.tenants;

-- Drop constraint public.accounts.accounts_ended_check
ALTER TABLE public.accounts DROP CONSTRAINT accounts_ended_check;

-- Drop constraint public.accounts.accounts_undo_hash_check
ALTER TABLE public.accounts DROP CONSTRAINT accounts_undo_hash_check;

-- Drop function public.bring_accounts_back()
DROP FUNCTION public.bring_accounts_back();

-- Drop function public.give_account_in_pool(uuid)
DROP FUNCTION public.give_account_in_pool(uuid);

-- Drop function public.keeps_address(uuid)
DROP FUNCTION public.keeps_address(uuid);

-- Drop function public.set_account_aside()
DROP FUNCTION public.set_account_aside();

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

-- Change function public.make_room_for_user(uuid)
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

-- Drop column public.accounts.ended_at (DESTRUCTIVE: drops the column with its data)
ALTER TABLE public.accounts DROP COLUMN ended_at;

-- Drop column public.accounts.undo_hash (DESTRUCTIVE: drops the column with its data)
ALTER TABLE public.accounts DROP COLUMN undo_hash;
