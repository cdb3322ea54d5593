-- Alone in its migration: CONCURRENTLY, which keeps nobody from writing meanwhile, needs that. Broken off, it leaves an index
-- that is not valid: DROP INDEX users_live_platform_address, then bunx prisma migrate resolve --rolled-back, and deploy again.
CREATE INDEX CONCURRENTLY users_live_platform_address ON users (email, id) WHERE NOT is_deleted;
