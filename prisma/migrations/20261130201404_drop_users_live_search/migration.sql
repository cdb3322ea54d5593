-- Nobody asks it: below a policy PostgreSQL could not use it. Alone in its migration: CONCURRENTLY, which keeps nobody from writing
-- meanwhile, needs that.
DROP INDEX CONCURRENTLY users_live_search;
