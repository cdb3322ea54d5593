-- Makes audit_log one table again, with every row that was not archived. The seals go.
DROP TABLE public.audit_archives;
DROP TABLE public.audit_seals;
DROP FUNCTION drop_audit_partition(text, integer, bytea, bytea);
DROP FUNCTION prepare_audit_partitions(integer);

CREATE TABLE public.audit_log_whole (LIKE public.audit_log INCLUDING DEFAULTS INCLUDING CONSTRAINTS);
INSERT INTO public.audit_log_whole SELECT * FROM public.audit_log;
DROP TABLE public.audit_log;
DROP SCHEMA audit;
ALTER TABLE public.audit_log_whole RENAME TO audit_log;

ALTER TABLE public.audit_log ADD CONSTRAINT audit_log_pkey PRIMARY KEY (id);
CREATE INDEX audit_log_tenant_id_created_at_id_idx ON public.audit_log (tenant_id, created_at, id);
CREATE INDEX audit_log_tenant_id_actor_id_created_at_id_idx ON public.audit_log (tenant_id, actor_id, created_at, id);
CREATE INDEX audit_log_tenant_id_action_created_at_id_idx ON public.audit_log (tenant_id, action, created_at, id);
CREATE INDEX audit_log_tenant_id_resource_type_resource_id_created_at_id_idx ON public.audit_log (tenant_id, resource_type, resource_id, created_at, id);
CREATE INDEX audit_log_created_at_id_idx ON public.audit_log (created_at, id);
CREATE INDEX audit_log_failures ON public.audit_log (tenant_id, created_at, id) WHERE outcome = 'failure';

CREATE OR REPLACE FUNCTION refuse_audit_log_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'audit_log is append-only: % refused', TG_OP USING ERRCODE = 'insufficient_privilege';
END
$$;
CREATE TRIGGER audit_log_append_only BEFORE UPDATE OR DELETE ON public.audit_log
  FOR EACH ROW EXECUTE FUNCTION refuse_audit_log_change();
CREATE TRIGGER audit_log_no_truncate BEFORE TRUNCATE ON public.audit_log
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_audit_log_change();
