-- Alone in its migration: CONCURRENTLY, which keeps nobody from writing meanwhile, needs that. Broken off, it leaves an index
-- that is not valid: DROP INDEX accounts_ended, then bunx prisma migrate resolve --rolled-back, and deploy again.
CREATE INDEX CONCURRENTLY accounts_ended ON accounts (undo_hash, ended_at) WHERE ended_at IS NOT NULL;
