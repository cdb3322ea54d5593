-- The bodies of functions may name what comes later.
SET check_function_bodies = off;

-- Add function public.replace_user_search()
CREATE OR REPLACE FUNCTION public.replace_user_search()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
BEGIN
  DELETE FROM public.user_search WHERE user_id = NEW.user_id;
  RETURN NEW;
END
$function$;

-- Add trigger public.user_search.user_search_replaced
CREATE TRIGGER user_search_replaced BEFORE INSERT ON public.user_search FOR EACH ROW WHEN ((pg_trigger_depth() = 0)) EXECUTE FUNCTION public.replace_user_search();
