-- Claims stay: for the older schema too they are users whom nobody reaches.
DROP INDEX public.users_tenant_email;
