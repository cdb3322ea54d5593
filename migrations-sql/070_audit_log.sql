-- The audit log is append-only: an attacker who reached the application must not be able to rewrite what it did.
ALTER TABLE audit_log
  ADD CONSTRAINT audit_log_action_check CHECK (action ~ '^[a-z_]+([.][a-z_]+)+$'),
  ADD CONSTRAINT audit_log_resource_type_check CHECK (resource_type ~ '^[a-z_]+$'),
  ADD CONSTRAINT audit_log_details_check CHECK (jsonb_typeof(details) = 'object');

CREATE FUNCTION refuse_audit_log_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'audit_log is append-only: % refused', TG_OP USING ERRCODE = 'insufficient_privilege';
END
$$;

CREATE TRIGGER audit_log_append_only BEFORE UPDATE OR DELETE ON audit_log
  FOR EACH ROW EXECUTE FUNCTION refuse_audit_log_change();
CREATE TRIGGER audit_log_no_truncate BEFORE TRUNCATE ON audit_log
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_audit_log_change();

-- What security watches: failures are few among many rows.
CREATE INDEX audit_log_failures ON audit_log (tenant_id, created_at, id) WHERE outcome = 'failure';
