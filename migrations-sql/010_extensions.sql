-- pg_trgm gives the index behind "search" (contains, any position) in lists of users.
CREATE EXTENSION IF NOT EXISTS pg_trgm WITH SCHEMA public;
-- unaccent lets "Zoe" find "Zoë".
CREATE EXTENSION IF NOT EXISTS unaccent WITH SCHEMA public;
