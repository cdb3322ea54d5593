-- pg_trgm gives the index behind "search" (contains, any position) in lists of users.
CREATE EXTENSION IF NOT EXISTS pg_trgm WITH SCHEMA public;
-- btree_gist compares texts in the constraint on tenants' names that look alike.
CREATE EXTENSION IF NOT EXISTS btree_gist WITH SCHEMA public;
-- unaccent lets "Zoe" find "Zoë".
CREATE EXTENSION IF NOT EXISTS unaccent WITH SCHEMA public;
