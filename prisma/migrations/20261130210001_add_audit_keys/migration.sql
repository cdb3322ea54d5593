-- Which key sealed a row, and the keys themselves, encrypted. The column is empty; the rows are looked at by the next migration
-- (NOT VALID). Who does not get the lock in five seconds lets the others go on: deploy again.
SET LOCAL lock_timeout = '5s';
-- AlterTable
ALTER TABLE "audit_seals" ADD COLUMN     "key_id" BYTEA;

-- CreateTable
CREATE TABLE "audit_keys" (
    "id" BYTEA NOT NULL,
    "sealed" BYTEA NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "audit_keys_pkey" PRIMARY KEY ("id")
);

-- Add constraint public.audit_keys.audit_keys_id_check
ALTER TABLE public.audit_keys ADD CONSTRAINT audit_keys_id_check CHECK ((octet_length(id) = 8));

-- Add constraint public.audit_seals.audit_seals_key_id_check
ALTER TABLE public.audit_seals ADD CONSTRAINT audit_seals_key_id_check CHECK ((octet_length(key_id) = 8)) NOT VALID;

-- Add trigger public.audit_keys.audit_keys_no_truncate
CREATE TRIGGER audit_keys_no_truncate BEFORE TRUNCATE ON public.audit_keys FOR EACH STATEMENT EXECUTE FUNCTION public.refuse_audit_log_change();

-- Add trigger public.audit_keys.audit_keys_stay
CREATE TRIGGER audit_keys_stay BEFORE DELETE ON public.audit_keys FOR EACH ROW EXECUTE FUNCTION public.refuse_audit_log_change();

-- Add grant on table public.audit_keys to tenantry_app
GRANT INSERT, SELECT, UPDATE ON TABLE public.audit_keys TO tenantry_app;
