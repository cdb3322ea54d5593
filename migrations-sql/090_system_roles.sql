-- The permissions that the code asks for and the five system roles. Rows, not types: roles are data. Ids are fixed so
-- that every installation has the same ones. Written to be run again.
INSERT INTO permissions (key, description) VALUES
  ('tenant:create', 'Create tenants'),
  ('tenant:list', 'List all tenants'),
  ('tenant:read', 'See a tenant'),
  ('tenant:update', 'Change a tenant''s name and settings'),
  ('tenant:delete', 'Delete a tenant'),
  ('tenant:suspend', 'Suspend and activate tenants'),
  ('user:create', 'Create users'),
  ('user:read', 'See users and their profiles'),
  ('user:update', 'Change users, their status and profiles'),
  ('user:delete', 'Delete users'),
  ('user:restore', 'Restore deleted users'),
  ('role:create', 'Create roles'),
  ('role:read', 'See roles and permissions'),
  ('role:update', 'Change roles'),
  ('role:delete', 'Delete roles'),
  ('role:assign', 'Give and take roles'),
  ('session:read', 'See other users'' sessions'),
  ('session:revoke', 'End other users'' sessions'),
  ('user:import', 'Create users with the password hash of another system'),
  ('service_account:create', 'Create service accounts'),
  ('service_account:read', 'See service accounts'),
  ('service_account:update', 'Change service accounts'),
  ('service_account:delete', 'Delete service accounts'),
  ('api_key:create', 'Create API keys for others'),
  ('api_key:read', 'See the API keys of others'),
  ('api_key:delete', 'Revoke the API keys of others'),
  ('user:export', 'Export users and their personal data'),
  ('user:erase', 'Erase a person for good'),
  ('user:impersonate', 'Act as a user, for a while and on the record'),
  ('tenant:purge', 'Delete a tenant for good'),
  ('invitation:create', 'Invite people'),
  ('invitation:read', 'See invitations'),
  ('invitation:delete', 'Revoke invitations'),
  ('audit:read', 'Read the audit log'),
  ('audit:export', 'Export the audit log'),
  ('permission:declare', 'Declare the permissions of applications')
ON CONFLICT (key) DO UPDATE SET description = EXCLUDED.description;

INSERT INTO roles (id, name, description) VALUES
  ('00000000-0000-7000-8000-000000000001', 'super_admin', 'Runs the installation; belongs to no tenant'),
  ('00000000-0000-7000-8000-000000000002', 'owner', 'Holds every right within the tenant'),
  ('00000000-0000-7000-8000-000000000003', 'admin', 'Runs the tenant from day to day'),
  ('00000000-0000-7000-8000-000000000004', 'member', 'Works in the tenant'),
  ('00000000-0000-7000-8000-000000000005', 'auditor', 'Reads the tenant''s users, sessions and audit log')
ON CONFLICT (id) DO UPDATE SET description = EXCLUDED.description;

-- super_admin holds everything; owner everything but the running of the platform; admin may not delete the tenant.
INSERT INTO role_permissions (role_id, permission_key)
SELECT roles.id, permissions.key
FROM roles, permissions
-- Of Tenantry's own: who holds an application's is said where it is declared.
WHERE roles.tenant_id IS NULL AND permissions.key NOT LIKE '%:%:%' AND CASE roles.name
  WHEN 'super_admin' THEN true
  WHEN 'owner' THEN key NOT IN ('tenant:create', 'tenant:list', 'tenant:suspend', 'tenant:purge', 'user:impersonate', 'permission:declare')
  WHEN 'admin' THEN key NOT IN ('tenant:create', 'tenant:list', 'tenant:suspend', 'tenant:purge', 'user:impersonate', 'permission:declare', 'tenant:delete')
  WHEN 'member' THEN key IN ('tenant:read', 'user:read')
  WHEN 'auditor' THEN key IN ('tenant:read', 'user:read', 'role:read', 'session:read', 'service_account:read', 'api_key:read', 'invitation:read', 'audit:read', 'audit:export')
END
ON CONFLICT DO NOTHING;
