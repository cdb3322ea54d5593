DROP INDEX user_search_text;
