-- The bodies of functions may name what comes later.
SET check_function_bodies = off;

-- Add function public.taken_addresses(uuid, text[])
CREATE OR REPLACE FUNCTION public.taken_addresses(tenant uuid, addresses text[])
 RETURNS text[]
 LANGUAGE plpgsql
 STABLE
 SET enable_seqscan TO 'off'
 SET plan_cache_mode TO 'force_generic_plan'
AS $function$
BEGIN
  RETURN ARRAY(SELECT email FROM public.users WHERE email = ANY (addresses) AND NOT is_deleted AND tenant_id IS NOT DISTINCT FROM tenant);
END
$function$;
