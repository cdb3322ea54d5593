-- Answers for callers who were yet to log in: nobody is asked for them once this is back.
SET LOCAL tenantry.scope = 'platform';
DELETE FROM public.idempotency_keys WHERE user_id IS NULL;

-- Drop index public.idempotency_keys_anonymous_key
DROP INDEX public.idempotency_keys_anonymous_key;

-- Drop constraint public.idempotency_keys.idempotency_keys_caller_check
ALTER TABLE public.idempotency_keys DROP CONSTRAINT idempotency_keys_caller_check;

-- Change column public.idempotency_keys.user_id
ALTER TABLE public.idempotency_keys ALTER COLUMN user_id SET NOT NULL;

-- Change trigger public.idempotency_keys.idempotency_keys_of_platform
CREATE OR REPLACE TRIGGER idempotency_keys_of_platform AFTER INSERT OR UPDATE OF user_id, tenant_id ON public.idempotency_keys FOR EACH ROW WHEN ((new.tenant_id IS NULL)) EXECUTE FUNCTION public.assert_of_platform('users', 'user_id');
