-- Change table public.users
ALTER TABLE public.users SET (fillfactor=85);
