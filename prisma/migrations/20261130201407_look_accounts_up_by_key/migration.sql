-- The bodies of functions may name what comes later.
SET check_function_bodies = off;

-- Change function public.assert_own_pool()
CREATE OR REPLACE FUNCTION public.assert_own_pool()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
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
$function$;
