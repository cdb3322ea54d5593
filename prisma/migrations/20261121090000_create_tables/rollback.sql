-- Takes create_tables back: all data goes with the tables.
DROP TABLE audit_log, signing_keys, refresh_tokens, sessions, user_roles, role_permissions, permissions, roles, user_profiles, users, tenants;
DROP TYPE audit_outcome, user_status, tenant_status;
