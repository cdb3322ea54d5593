-- Alone in its migration: CONCURRENTLY, which keeps nobody from writing meanwhile, needs that. Broken off, it leaves an index
-- that is not valid: DROP INDEX users_tenant_id_id_idx, then bunx prisma migrate resolve --rolled-back, and deploy again.
CREATE INDEX CONCURRENTLY users_tenant_id_id_idx ON users (tenant_id, id);
