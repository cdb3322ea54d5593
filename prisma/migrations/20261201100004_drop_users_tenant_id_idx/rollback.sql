CREATE INDEX users_tenant_id_idx ON users (tenant_id);
