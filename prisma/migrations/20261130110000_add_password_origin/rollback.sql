ALTER TABLE public.users DROP COLUMN password_origin;
DROP TYPE public.password_origin;
