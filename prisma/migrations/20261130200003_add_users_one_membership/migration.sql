-- Alone in its migration: CONCURRENTLY, which keeps nobody from writing meanwhile, needs that. Broken off, it leaves an index
-- that is not valid: DROP INDEX users_one_membership, then bunx prisma migrate resolve --rolled-back, and deploy again.
CREATE UNIQUE INDEX CONCURRENTLY users_one_membership ON users (account_id, tenant_id) NULLS NOT DISTINCT WHERE NOT is_deleted AND account_id IS NOT NULL;
