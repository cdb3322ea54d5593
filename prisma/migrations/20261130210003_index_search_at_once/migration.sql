-- Change index public.user_search_text, and take in what it has put off: nobody waits for that.
ALTER INDEX public.user_search_text SET (fastupdate = off);
SELECT gin_clean_pending_list('public.user_search_text');
