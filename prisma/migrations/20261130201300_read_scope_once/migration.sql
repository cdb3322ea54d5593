-- The policies of users and audit_log read the scope once a statement, and no more for every row. They let through what they let
-- through before, so servers of before and after run side by side. No row is read or written.
--
-- Both locks at once, in the order in which the server takes them, or none: whoever is there goes first, whoever comes waits for
-- half a second at most, and then it is tried again. Where no moment is found for that, it fails: deploy again.
SET LOCAL lock_timeout = '500ms';
DO $$
BEGIN
  FOR attempt IN 1..100 LOOP
    BEGIN
      LOCK TABLE public.users, ONLY public.audit_log IN ACCESS EXCLUSIVE MODE;
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

-- Add function public.in_scope(uuid, text)
CREATE OR REPLACE FUNCTION public.in_scope(row_tenant uuid, scope text)
 RETURNS boolean
 LANGUAGE sql
 IMMUTABLE PARALLEL SAFE
RETURN CASE scope WHEN 'platform'::text THEN true WHEN (row_tenant)::text THEN true ELSE false END;

-- Change function public.in_scope(uuid)
CREATE OR REPLACE FUNCTION public.in_scope(row_tenant uuid)
 RETURNS boolean
 LANGUAGE sql
 STABLE PARALLEL SAFE
RETURN public.in_scope(row_tenant, current_setting('tenantry.scope'::text, true));

-- Change policy public.audit_log.tenant_scope
DROP POLICY tenant_scope ON public.audit_log;
CREATE POLICY tenant_scope ON public.audit_log AS PERMISSIVE FOR ALL TO PUBLIC USING (public.in_scope(tenant_id, ( SELECT current_setting('tenantry.scope'::text, true) AS current_setting))) WITH CHECK (public.in_scope(tenant_id, ( SELECT current_setting('tenantry.scope'::text, true) AS current_setting)));

-- Change policy public.users.tenant_scope
DROP POLICY tenant_scope ON public.users;
CREATE POLICY tenant_scope ON public.users AS PERMISSIVE FOR ALL TO PUBLIC USING (public.in_scope(tenant_id, ( SELECT current_setting('tenantry.scope'::text, true) AS current_setting))) WITH CHECK (public.in_scope(tenant_id, ( SELECT current_setting('tenantry.scope'::text, true) AS current_setting)));
