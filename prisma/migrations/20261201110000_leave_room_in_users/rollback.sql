-- Change table public.users
ALTER TABLE public.users RESET (fillfactor);
