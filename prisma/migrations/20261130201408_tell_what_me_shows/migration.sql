-- The bodies of functions may name what comes later.
SET check_function_bodies = off;

-- Add function public.notify_tenant_changed()
CREATE OR REPLACE FUNCTION public.notify_tenant_changed()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
BEGIN
  PERFORM pg_notify('tenant_changed', OLD.id::text);
  RETURN NULL;
END
$function$;

-- Add function public.notify_user_changed()
CREATE OR REPLACE FUNCTION public.notify_user_changed()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
BEGIN
  PERFORM pg_notify('user_changed', OLD.id::text);
  RETURN NULL;
END
$function$;

-- Add trigger public.tenants.tenants_notify_changed
CREATE TRIGGER tenants_notify_changed AFTER UPDATE ON public.tenants FOR EACH ROW WHEN ((old.* IS DISTINCT FROM new.*)) EXECUTE FUNCTION public.notify_tenant_changed();

-- Add trigger public.users.users_notify_changed
CREATE TRIGGER users_notify_changed AFTER UPDATE ON public.users FOR EACH ROW WHEN ((old.* IS DISTINCT FROM new.*)) EXECUTE FUNCTION public.notify_user_changed();

-- Add trigger public.users.users_notify_deleted
CREATE TRIGGER users_notify_deleted AFTER DELETE ON public.users FOR EACH ROW EXECUTE FUNCTION public.notify_user_changed();
