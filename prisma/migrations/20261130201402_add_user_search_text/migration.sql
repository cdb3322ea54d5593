-- Alone in its migration: CONCURRENTLY, which keeps nobody from writing meanwhile, needs that. Broken off, it leaves an index
-- that is not valid: DROP INDEX user_search_text, then bunx prisma migrate resolve --rolled-back, and deploy again.
CREATE INDEX CONCURRENTLY user_search_text ON user_search USING gin (tenant_id, text gin_trgm_ops) WHERE text IS NOT NULL;
