-- Drop column public.sessions.device_id (DESTRUCTIVE: drops the column with its data)
ALTER TABLE public.sessions DROP COLUMN device_id;
