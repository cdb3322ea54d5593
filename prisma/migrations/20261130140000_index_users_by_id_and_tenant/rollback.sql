DROP INDEX users_id_tenant_id_key;
