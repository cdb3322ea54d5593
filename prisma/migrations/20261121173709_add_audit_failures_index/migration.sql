-- Add index public.audit_log_failures
CREATE INDEX audit_log_failures ON public.audit_log USING btree (tenant_id, created_at, id) WHERE (outcome = 'failure'::public.audit_outcome);
