-- The bodies of functions may name what comes later.
SET check_function_bodies = off;

-- Change function public.in_scope(uuid)
CREATE OR REPLACE FUNCTION public.in_scope(row_tenant uuid)
 RETURNS boolean
 LANGUAGE sql
 STABLE PARALLEL SAFE
RETURN CASE current_setting('tenantry.scope'::text, true) WHEN 'platform'::text THEN true ELSE ((row_tenant)::text = current_setting('tenantry.scope'::text, true)) END;

-- Change policy public.audit_log.tenant_scope
DROP POLICY tenant_scope ON public.audit_log;
CREATE POLICY tenant_scope ON public.audit_log AS PERMISSIVE FOR ALL TO PUBLIC USING (public.in_scope(tenant_id)) WITH CHECK (public.in_scope(tenant_id));

-- Change policy public.users.tenant_scope
DROP POLICY tenant_scope ON public.users;
CREATE POLICY tenant_scope ON public.users AS PERMISSIVE FOR ALL TO PUBLIC USING (public.in_scope(tenant_id)) WITH CHECK (public.in_scope(tenant_id));

-- Drop function public.in_scope(uuid, text)
DROP FUNCTION public.in_scope(uuid, text);
