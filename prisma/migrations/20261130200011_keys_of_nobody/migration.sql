-- AlterTable
ALTER TABLE "idempotency_keys" ALTER COLUMN "user_id" DROP NOT NULL;

-- Change trigger public.idempotency_keys.idempotency_keys_of_platform
CREATE OR REPLACE TRIGGER idempotency_keys_of_platform AFTER INSERT OR UPDATE OF user_id, tenant_id ON public.idempotency_keys FOR EACH ROW WHEN (((new.tenant_id IS NULL) AND (new.user_id IS NOT NULL))) EXECUTE FUNCTION public.assert_of_platform('users', 'user_id');

-- Add constraint public.idempotency_keys.idempotency_keys_caller_check
ALTER TABLE public.idempotency_keys ADD CONSTRAINT idempotency_keys_caller_check CHECK (((user_id IS NOT NULL) OR (tenant_id IS NULL)));

-- Add index public.idempotency_keys_anonymous_key
CREATE UNIQUE INDEX idempotency_keys_anonymous_key ON public.idempotency_keys USING btree (route, key) WHERE (user_id IS NULL);
