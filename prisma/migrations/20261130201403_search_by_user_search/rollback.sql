DROP FUNCTION search_users(text[], uuid, text, boolean, boolean, text, uuid, integer);
DROP FUNCTION find_users(text[], integer);
