-- Alone in its migration: CONCURRENTLY, which keeps nobody from writing meanwhile, needs that. Broken off, it leaves an index
-- that is not valid: DROP INDEX recovery_codes_unused_of_account, then bunx prisma migrate resolve --rolled-back, and deploy again.
CREATE INDEX CONCURRENTLY recovery_codes_unused_of_account ON recovery_codes (account_id) WHERE used_at IS NULL;
