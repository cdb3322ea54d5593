-- Roles: a name is unique within its tenant, and among the system roles (tenant_id NULL). Two partial indexes, and not
-- one with NULLS NOT DISTINCT: Prisma drops a full index that its schema does not name, and cannot say NULLS.
CREATE UNIQUE INDEX roles_tenant_name ON roles (tenant_id, name) WHERE tenant_id IS NOT NULL;
CREATE UNIQUE INDEX roles_system_name ON roles (name) WHERE tenant_id IS NULL;

ALTER TABLE roles ADD CONSTRAINT roles_name_check CHECK (name ~ '^[a-z][a-z0-9_]*$');
-- Two parts are Tenantry's own, three an application's: no update of either can ever mean the other's. What a version after
-- this one may need with three parts has the namespace that is kept for it (src/roles/permissions.ts).
ALTER TABLE permissions ADD CONSTRAINT permissions_key_check
  CHECK (key ~ '^[a-z_]+:[a-z_]+$' OR key ~ '^(?!tenantry:)[a-z][a-z0-9_-]*(:[a-z][a-z0-9_-]*){2}$');

-- super_admin is for accounts without a tenant, whatever code grants it.
ALTER TABLE user_roles ADD CONSTRAINT user_roles_super_admin_check
  CHECK (tenant_id IS NULL OR role_id <> '00000000-0000-7000-8000-000000000001');
