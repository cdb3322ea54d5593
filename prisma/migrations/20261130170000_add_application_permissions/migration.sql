-- Beside Tenantry's own permissions (two parts) those of applications (three), which are declared at run time. Rows that are
-- there hold to the new rule as they did to the old one.
ALTER TABLE permissions DROP CONSTRAINT permissions_key_check;
ALTER TABLE permissions ADD CONSTRAINT permissions_key_check
  CHECK (key ~ '^[a-z_]+:[a-z_]+$' OR key ~ '^(?!tenantry:)[a-z][a-z0-9_-]*(:[a-z][a-z0-9_-]*){2}$');

CREATE TRIGGER permissions_notify AFTER INSERT OR UPDATE OR DELETE ON permissions
  FOR EACH STATEMENT EXECUTE FUNCTION notify_all_grants();

ALTER TABLE permissions ENABLE ROW LEVEL SECURITY;
CREATE POLICY everybodys ON permissions FOR SELECT USING (true);
CREATE POLICY of_applications ON permissions
  USING (key LIKE '%:%:%' AND in_scope(NULL)) WITH CHECK (key LIKE '%:%:%' AND in_scope(NULL));
GRANT INSERT, UPDATE, DELETE ON permissions TO tenantry_app;

SET LOCAL tenantry.scope = 'platform';
INSERT INTO permissions (key, description) VALUES ('permission:declare', 'Declare the permissions of applications');
INSERT INTO role_permissions (role_id, permission_key) VALUES ('00000000-0000-7000-8000-000000000001', 'permission:declare');
