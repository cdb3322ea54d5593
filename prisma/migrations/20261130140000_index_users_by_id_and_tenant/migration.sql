-- Alone in its migration: CONCURRENTLY, which keeps nobody from writing meanwhile, needs that. Broken off, it leaves an index
-- that is not valid: DROP INDEX users_id_tenant_id_key, then bunx prisma migrate resolve --rolled-back, and deploy again.
CREATE UNIQUE INDEX CONCURRENTLY users_id_tenant_id_key ON users (id, tenant_id);
