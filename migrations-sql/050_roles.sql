-- Roles: a name is unique within its tenant, and among the system roles (tenant_id NULL).
CREATE UNIQUE INDEX roles_tenant_name ON roles (tenant_id, name) NULLS NOT DISTINCT;

ALTER TABLE roles ADD CONSTRAINT roles_name_check CHECK (name ~ '^[a-z][a-z0-9_]*$');
ALTER TABLE permissions ADD CONSTRAINT permissions_key_check CHECK (key ~ '^[a-z_]+:[a-z_]+$');
