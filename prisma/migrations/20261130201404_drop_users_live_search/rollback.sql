CREATE INDEX users_live_search ON users USING gin (search_text gin_trgm_ops) WHERE NOT is_deleted;
