-- Alone in its migration: CONCURRENTLY, which keeps nobody from writing meanwhile, needs that. Broken off, it leaves an index
-- that is not valid: DROP INDEX sessions_active_of_account, then bunx prisma migrate resolve --rolled-back, and deploy again.
CREATE INDEX CONCURRENTLY sessions_active_of_account ON sessions (account_id, created_at, id) WHERE revoked_at IS NULL;
