-- Drop index public.audit_log_failures
DROP INDEX public.audit_log_failures;
