-- Drop function public.taken_addresses(uuid, text[])
DROP FUNCTION public.taken_addresses(uuid, text[]);
