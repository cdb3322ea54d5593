-- Change index public.user_search_text
ALTER INDEX public.user_search_text RESET (fastupdate);
