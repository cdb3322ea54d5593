DROP INDEX users_tenant_id_id_idx;
