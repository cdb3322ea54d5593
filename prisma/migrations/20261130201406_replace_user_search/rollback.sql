-- Drop trigger public.user_search.user_search_replaced
DROP TRIGGER user_search_replaced ON public.user_search;

-- Drop function public.replace_user_search()
DROP FUNCTION public.replace_user_search();
