-- The bodies of functions may name what comes later.
SET check_function_bodies = off;

-- Drop policy public.sessions.own_pool
DROP POLICY own_pool ON public.sessions;

-- Add function public.has_spoken(uuid)
CREATE OR REPLACE FUNCTION public.has_spoken(session uuid)
 RETURNS boolean
 LANGUAGE plpgsql
 STABLE
AS $function$
BEGIN
  RETURN EXISTS (SELECT FROM public.session_users WHERE session_id = session);
END
$function$;

-- Add function public.sees_account(uuid)
CREATE OR REPLACE FUNCTION public.sees_account(account uuid)
 RETURNS boolean
 LANGUAGE plpgsql
 STABLE
AS $function$
BEGIN
  RETURN EXISTS (SELECT FROM public.accounts WHERE id = account AND public.in_scope(pool_id));
END
$function$;

-- Change policy public.sessions.account_scope
DROP POLICY account_scope ON public.sessions;
CREATE POLICY account_scope ON public.sessions AS PERMISSIVE FOR ALL TO PUBLIC USING ((public.in_account(account_id) OR public.sees_account(account_id))) WITH CHECK ((public.in_account(account_id) OR public.sees_account(account_id)));

-- Change policy public.sessions.spoken_for
DROP POLICY spoken_for ON public.sessions;
CREATE POLICY spoken_for ON public.sessions AS PERMISSIVE FOR SELECT TO PUBLIC USING ((public.in_account(account_id) OR public.has_spoken(id)));
