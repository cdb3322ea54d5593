-- Drop constraint public.users.users_pending_email_check
ALTER TABLE public.users DROP CONSTRAINT users_pending_email_check;

-- Drop constraint public.users.users_pending_email_format_check
ALTER TABLE public.users DROP CONSTRAINT users_pending_email_format_check;

-- Drop constraint public.users.users_pending_email_lower_check
ALTER TABLE public.users DROP CONSTRAINT users_pending_email_lower_check;

-- Drop column public.users.pending_email (DESTRUCTIVE: drops the column with its data)
ALTER TABLE public.users DROP COLUMN pending_email;

