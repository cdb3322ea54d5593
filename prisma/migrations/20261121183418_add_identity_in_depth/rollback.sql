-- The rows that came with it; service accounts have no place in the older schema
DELETE FROM public.permissions WHERE key IN ('user:import') OR key LIKE 'service_account:%' OR key LIKE 'api_key:%';
DELETE FROM public.users WHERE kind = 'service';

-- Drop trigger public.signing_keys.signing_keys_notify
DROP TRIGGER signing_keys_notify ON public.signing_keys;

-- Drop trigger public.tenants.tenants_notify_api_keys
DROP TRIGGER tenants_notify_api_keys ON public.tenants;

-- Drop trigger public.users.users_notify_api_keys
DROP TRIGGER users_notify_api_keys ON public.users;

-- Drop trigger public.users.users_void_one_time_tokens
DROP TRIGGER users_void_one_time_tokens ON public.users;

-- Drop index public.users_live_services
DROP INDEX public.users_live_services;

-- Drop constraint public.signing_keys.signing_keys_algorithm_check
ALTER TABLE public.signing_keys DROP CONSTRAINT signing_keys_algorithm_check;

-- Drop constraint public.signing_keys.signing_keys_retired_check
ALTER TABLE public.signing_keys DROP CONSTRAINT signing_keys_retired_check;

-- Drop constraint public.users.users_service_check
ALTER TABLE public.users DROP CONSTRAINT users_service_check;

-- Drop function public.notify_signing_keys()
DROP FUNCTION public.notify_signing_keys();

-- Drop function public.void_one_time_tokens()
DROP FUNCTION public.void_one_time_tokens();

-- trigger public.api_keys.api_keys_notify depends on function public.notify_api_keys()
DROP TRIGGER api_keys_notify ON public.api_keys;

-- trigger public.api_keys.api_keys_notify_deleted depends on function public.notify_api_keys()
DROP TRIGGER api_keys_notify_deleted ON public.api_keys;

-- Drop function public.notify_api_keys()
DROP FUNCTION public.notify_api_keys();

-- Drop column public.signing_keys.activates_at (DESTRUCTIVE: drops the column with its data)
ALTER TABLE public.signing_keys DROP COLUMN activates_at;

-- Drop column public.users.kind (DESTRUCTIVE: drops the column with its data)
ALTER TABLE public.users DROP COLUMN kind;

-- Drop table public.api_keys (DESTRUCTIVE: drops the table with its rows)
DROP TABLE public.api_keys;

-- Drop table public.one_time_tokens (DESTRUCTIVE: drops the table with its rows)
DROP TABLE public.one_time_tokens;

-- Drop table public.passkeys (DESTRUCTIVE: drops the table with its rows)
DROP TABLE public.passkeys;

-- Drop table public.rate_limits (DESTRUCTIVE: drops the table with its rows)
DROP TABLE public.rate_limits;

-- Drop table public.recovery_codes (DESTRUCTIVE: drops the table with its rows)
DROP TABLE public.recovery_codes;

-- Drop table public.totp_factors (DESTRUCTIVE: drops the table with its rows)
DROP TABLE public.totp_factors;

-- Drop enum public.one_time_purpose
DROP TYPE public.one_time_purpose;

-- Drop enum public.user_kind
DROP TYPE public.user_kind;
