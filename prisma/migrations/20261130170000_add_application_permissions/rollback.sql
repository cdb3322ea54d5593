-- What applications declared goes with it, from every role.
SET LOCAL tenantry.scope = 'platform';
DELETE FROM role_permissions WHERE permission_key LIKE '%:%:%' OR permission_key = 'permission:declare';
DELETE FROM permissions WHERE key LIKE '%:%:%' OR key = 'permission:declare';

REVOKE INSERT, UPDATE, DELETE ON permissions FROM tenantry_app;
DROP POLICY of_applications ON permissions;
DROP POLICY everybodys ON permissions;
ALTER TABLE permissions DISABLE ROW LEVEL SECURITY;
DROP TRIGGER permissions_notify ON permissions;
ALTER TABLE permissions DROP CONSTRAINT permissions_key_check;
ALTER TABLE permissions ADD CONSTRAINT permissions_key_check CHECK (key ~ '^[a-z_]+:[a-z_]+$');
