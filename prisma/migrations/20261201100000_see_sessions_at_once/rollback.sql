-- Change policy public.sessions.account_scope
DROP POLICY account_scope ON public.sessions;
CREATE POLICY account_scope ON public.sessions AS PERMISSIVE FOR ALL TO PUBLIC USING (public.in_account(account_id)) WITH CHECK (public.in_account(account_id));

-- Change policy public.sessions.spoken_for
DROP POLICY spoken_for ON public.sessions;
CREATE POLICY spoken_for ON public.sessions AS PERMISSIVE FOR SELECT TO PUBLIC USING ((EXISTS ( SELECT
   FROM public.session_users
  WHERE (session_users.session_id = sessions.id))));

-- Add policy public.sessions.own_pool
CREATE POLICY own_pool ON public.sessions AS PERMISSIVE FOR ALL TO PUBLIC USING ((EXISTS ( SELECT
   FROM public.accounts
  WHERE ((accounts.id = sessions.account_id) AND public.in_scope(accounts.pool_id)))));

-- Drop function public.has_spoken(uuid)
DROP FUNCTION public.has_spoken(uuid);

-- Drop function public.sees_account(uuid)
DROP FUNCTION public.sees_account(uuid);
