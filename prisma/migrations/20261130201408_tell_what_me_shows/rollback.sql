-- The bodies of functions may name what comes later.
SET check_function_bodies = off;

-- Drop trigger public.tenants.tenants_notify_changed
DROP TRIGGER tenants_notify_changed ON public.tenants;

-- Drop trigger public.users.users_notify_changed
DROP TRIGGER users_notify_changed ON public.users;

-- Drop trigger public.users.users_notify_deleted
DROP TRIGGER users_notify_deleted ON public.users;

-- Drop function public.notify_tenant_changed()
DROP FUNCTION public.notify_tenant_changed();

-- Drop function public.notify_user_changed()
DROP FUNCTION public.notify_user_changed();
