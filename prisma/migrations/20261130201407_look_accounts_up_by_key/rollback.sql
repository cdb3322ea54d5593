-- The bodies of functions may name what comes later.
SET check_function_bodies = off;

-- Change function public.assert_own_pool()
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
