DROP INDEX sessions_id_tenant_id_key;
