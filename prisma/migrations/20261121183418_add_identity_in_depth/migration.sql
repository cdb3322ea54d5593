-- CreateEnum
CREATE TYPE "user_kind" AS ENUM ('person', 'service');

-- CreateEnum
CREATE TYPE "one_time_purpose" AS ENUM ('register', 'verify_email', 'change_email', 'magic_link', 'reset_password', 'unlock', 'mfa', 'passkey_registration', 'passkey_login');

-- AlterTable
ALTER TABLE "signing_keys" ADD COLUMN     "activates_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP;

-- AlterTable
ALTER TABLE "users" ADD COLUMN     "kind" "user_kind" NOT NULL DEFAULT 'person';

-- CreateTable
CREATE TABLE "one_time_tokens" (
    "id" UUID NOT NULL,
    "purpose" "one_time_purpose" NOT NULL,
    "user_id" UUID,
    "tenant_id" UUID,
    "email" VARCHAR(255),
    "token_hash" BYTEA NOT NULL,
    "code_hash" BYTEA,
    "challenge_hash" BYTEA,
    "bound_to" UUID,
    "amr" VARCHAR(16)[] DEFAULT ARRAY[]::VARCHAR(16)[],
    "payload" BYTEA,
    "attempts" SMALLINT NOT NULL DEFAULT 0,
    "expires_at" TIMESTAMPTZ(3) NOT NULL,
    "used_at" TIMESTAMPTZ(3),
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "one_time_tokens_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "totp_factors" (
    "id" UUID NOT NULL,
    "user_id" UUID NOT NULL,
    "tenant_id" UUID,
    "secret" BYTEA NOT NULL,
    "last_step" BIGINT NOT NULL DEFAULT 0,
    "confirmed_at" TIMESTAMPTZ(3),
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "totp_factors_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "recovery_codes" (
    "id" UUID NOT NULL,
    "user_id" UUID NOT NULL,
    "tenant_id" UUID,
    "code_hash" BYTEA NOT NULL,
    "used_at" TIMESTAMPTZ(3),
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "recovery_codes_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "passkeys" (
    "id" UUID NOT NULL,
    "user_id" UUID NOT NULL,
    "tenant_id" UUID,
    "name" VARCHAR(120) NOT NULL,
    "credential_id" BYTEA NOT NULL,
    "public_key" BYTEA NOT NULL,
    "user_handle" BYTEA NOT NULL,
    "sign_count" BIGINT NOT NULL DEFAULT 0,
    "transports" VARCHAR(32)[] DEFAULT ARRAY[]::VARCHAR(32)[],
    "aaguid" UUID,
    "backup_eligible" BOOLEAN NOT NULL,
    "backed_up" BOOLEAN NOT NULL,
    "last_used_at" TIMESTAMPTZ(3),
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "passkeys_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "api_keys" (
    "id" UUID NOT NULL,
    "user_id" UUID NOT NULL,
    "tenant_id" UUID,
    "name" VARCHAR(120) NOT NULL,
    "prefix" VARCHAR(16) NOT NULL,
    "key_hash" BYTEA NOT NULL,
    "scopes" VARCHAR(64)[],
    "expires_at" TIMESTAMPTZ(3),
    "last_used_at" TIMESTAMPTZ(3),
    "revoked_at" TIMESTAMPTZ(3),
    "created_by" UUID,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "api_keys_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "rate_limits" (
    "key" VARCHAR(255) NOT NULL,
    "points" INTEGER NOT NULL DEFAULT 0,
    "expire" BIGINT,

    CONSTRAINT "rate_limits_pkey" PRIMARY KEY ("key")
);

-- CreateIndex
CREATE UNIQUE INDEX "one_time_tokens_token_hash_key" ON "one_time_tokens"("token_hash");

-- CreateIndex
CREATE UNIQUE INDEX "one_time_tokens_challenge_hash_key" ON "one_time_tokens"("challenge_hash");

-- CreateIndex
CREATE INDEX "one_time_tokens_user_id_idx" ON "one_time_tokens"("user_id");

-- CreateIndex
CREATE INDEX "one_time_tokens_expires_at_idx" ON "one_time_tokens"("expires_at");

-- CreateIndex
CREATE INDEX "totp_factors_user_id_idx" ON "totp_factors"("user_id");

-- CreateIndex
CREATE UNIQUE INDEX "recovery_codes_code_hash_key" ON "recovery_codes"("code_hash");

-- CreateIndex
CREATE INDEX "recovery_codes_user_id_idx" ON "recovery_codes"("user_id");

-- CreateIndex
CREATE UNIQUE INDEX "passkeys_credential_id_key" ON "passkeys"("credential_id");

-- CreateIndex
CREATE INDEX "passkeys_user_id_idx" ON "passkeys"("user_id");

-- CreateIndex
CREATE UNIQUE INDEX "api_keys_key_hash_key" ON "api_keys"("key_hash");

-- CreateIndex
CREATE INDEX "api_keys_user_id_idx" ON "api_keys"("user_id");

-- CreateIndex
CREATE INDEX "rate_limits_expire_idx" ON "rate_limits"("expire");

-- AddForeignKey
ALTER TABLE "one_time_tokens" ADD CONSTRAINT "one_time_tokens_user_id_fkey" FOREIGN KEY ("user_id") REFERENCES "users"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "totp_factors" ADD CONSTRAINT "totp_factors_user_id_fkey" FOREIGN KEY ("user_id") REFERENCES "users"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "recovery_codes" ADD CONSTRAINT "recovery_codes_user_id_fkey" FOREIGN KEY ("user_id") REFERENCES "users"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "passkeys" ADD CONSTRAINT "passkeys_user_id_fkey" FOREIGN KEY ("user_id") REFERENCES "users"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "api_keys" ADD CONSTRAINT "api_keys_user_id_fkey" FOREIGN KEY ("user_id") REFERENCES "users"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- The bodies of functions may name what comes later.
SET check_function_bodies = off;

-- Change table public.rate_limits
ALTER TABLE public.rate_limits SET UNLOGGED;

-- Add function public.notify_api_keys()
CREATE OR REPLACE FUNCTION public.notify_api_keys()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
BEGIN
  PERFORM pg_notify('api_keys_changed', '*');
  RETURN NULL;
END
$function$;

-- Add function public.notify_signing_keys()
CREATE OR REPLACE FUNCTION public.notify_signing_keys()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
BEGIN
  PERFORM pg_notify('signing_keys_changed', '');
  RETURN NULL;
END
$function$;

-- Add function public.void_one_time_tokens()
CREATE OR REPLACE FUNCTION public.void_one_time_tokens()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
BEGIN
  UPDATE one_time_tokens SET used_at = now()
  WHERE user_id = NEW.id AND used_at IS NULL
    -- Who only has a new password still has the address that a verification was sent to.
    AND (purpose <> 'verify_email' OR NEW.email <> OLD.email OR NEW.is_deleted OR NEW.status <> 'active');
  RETURN NULL;
END
$function$;

-- Add constraint public.api_keys.api_keys_expiry_check
ALTER TABLE public.api_keys ADD CONSTRAINT api_keys_expiry_check CHECK ((expires_at > created_at));

-- Add constraint public.api_keys.api_keys_hash_check
ALTER TABLE public.api_keys ADD CONSTRAINT api_keys_hash_check CHECK ((octet_length(key_hash) = 32));

-- Add constraint public.api_keys.api_keys_name_check
ALTER TABLE public.api_keys ADD CONSTRAINT api_keys_name_check CHECK ((btrim((name)::text) <> ''::text));

-- Add constraint public.api_keys.api_keys_prefix_check
ALTER TABLE public.api_keys ADD CONSTRAINT api_keys_prefix_check CHECK (((prefix)::text ~ '^tnk_[a-z0-9]{8}$'::text));

-- Add constraint public.api_keys.api_keys_scopes_check
ALTER TABLE public.api_keys ADD CONSTRAINT api_keys_scopes_check CHECK ((cardinality(scopes) > 0));

-- Add constraint public.one_time_tokens.one_time_tokens_attempts_check
ALTER TABLE public.one_time_tokens ADD CONSTRAINT one_time_tokens_attempts_check CHECK (((attempts >= 0) AND (attempts <= 10)));

-- Add constraint public.one_time_tokens.one_time_tokens_challenge_hash_check
ALTER TABLE public.one_time_tokens ADD CONSTRAINT one_time_tokens_challenge_hash_check CHECK ((octet_length(challenge_hash) = 32));

-- Add constraint public.one_time_tokens.one_time_tokens_code_check
ALTER TABLE public.one_time_tokens ADD CONSTRAINT one_time_tokens_code_check CHECK (((code_hash IS NULL) OR (challenge_hash IS NOT NULL) OR (bound_to IS NOT NULL)));

-- Add constraint public.one_time_tokens.one_time_tokens_code_hash_check
ALTER TABLE public.one_time_tokens ADD CONSTRAINT one_time_tokens_code_hash_check CHECK ((octet_length(code_hash) = 32));

-- Add constraint public.one_time_tokens.one_time_tokens_expiry_check
ALTER TABLE public.one_time_tokens ADD CONSTRAINT one_time_tokens_expiry_check CHECK (((expires_at > created_at) AND (expires_at <= (created_at + '7 days'::interval))));

-- Add constraint public.one_time_tokens.one_time_tokens_token_hash_check
ALTER TABLE public.one_time_tokens ADD CONSTRAINT one_time_tokens_token_hash_check CHECK ((octet_length(token_hash) = 32));

-- Add constraint public.one_time_tokens.one_time_tokens_user_check
ALTER TABLE public.one_time_tokens ADD CONSTRAINT one_time_tokens_user_check CHECK (((user_id IS NOT NULL) OR (purpose = ANY (ARRAY['register'::public.one_time_purpose, 'passkey_login'::public.one_time_purpose]))));

-- Add constraint public.passkeys.passkeys_backup_check
ALTER TABLE public.passkeys ADD CONSTRAINT passkeys_backup_check CHECK ((backup_eligible OR (NOT backed_up)));

-- Add constraint public.passkeys.passkeys_credential_id_check
ALTER TABLE public.passkeys ADD CONSTRAINT passkeys_credential_id_check CHECK (((octet_length(credential_id) >= 1) AND (octet_length(credential_id) <= 1023)));

-- Add constraint public.passkeys.passkeys_name_check
ALTER TABLE public.passkeys ADD CONSTRAINT passkeys_name_check CHECK ((btrim((name)::text) <> ''::text));

-- Add constraint public.passkeys.passkeys_sign_count_check
ALTER TABLE public.passkeys ADD CONSTRAINT passkeys_sign_count_check CHECK (((sign_count >= 0) AND (sign_count <= '4294967295'::bigint)));

-- Add constraint public.passkeys.passkeys_user_handle_check
ALTER TABLE public.passkeys ADD CONSTRAINT passkeys_user_handle_check CHECK (((octet_length(user_handle) >= 16) AND (octet_length(user_handle) <= 64)));

-- Add constraint public.rate_limits.rate_limits_points_check
ALTER TABLE public.rate_limits ADD CONSTRAINT rate_limits_points_check CHECK ((points >= 0));

-- Add constraint public.recovery_codes.recovery_codes_hash_check
ALTER TABLE public.recovery_codes ADD CONSTRAINT recovery_codes_hash_check CHECK ((octet_length(code_hash) = 32));

-- Add constraint public.signing_keys.signing_keys_algorithm_check
ALTER TABLE public.signing_keys ADD CONSTRAINT signing_keys_algorithm_check CHECK (((algorithm)::text ~ '^(ES256|EdDSA)$'::text));

-- Add constraint public.signing_keys.signing_keys_retired_check
ALTER TABLE public.signing_keys ADD CONSTRAINT signing_keys_retired_check CHECK ((retired_at >= activates_at));

-- Add constraint public.totp_factors.totp_factors_last_step_check
ALTER TABLE public.totp_factors ADD CONSTRAINT totp_factors_last_step_check CHECK ((last_step >= 0));

-- Add constraint public.users.users_service_check
ALTER TABLE public.users ADD CONSTRAINT users_service_check CHECK ((((kind = 'person'::public.user_kind) AND ((email)::text !~~ '%@service.invalid'::text)) OR ((kind = 'service'::public.user_kind) AND (password_hash IS NULL) AND ((email)::text ~~ '%@service.invalid'::text))));

-- Add index public.api_keys_live_created
CREATE INDEX api_keys_live_created ON public.api_keys USING btree (user_id, created_at, id) WHERE (revoked_at IS NULL);

-- Add index public.api_keys_live_tenant
CREATE INDEX api_keys_live_tenant ON public.api_keys USING btree (tenant_id) WHERE (revoked_at IS NULL);

-- Add index public.one_time_tokens_open
CREATE INDEX one_time_tokens_open ON public.one_time_tokens USING btree (user_id, purpose) WHERE (used_at IS NULL);

-- Add index public.recovery_codes_unused
CREATE INDEX recovery_codes_unused ON public.recovery_codes USING btree (user_id) WHERE (used_at IS NULL);

-- Add index public.totp_factors_one_confirmed
CREATE UNIQUE INDEX totp_factors_one_confirmed ON public.totp_factors USING btree (user_id) WHERE (confirmed_at IS NOT NULL);

-- Add index public.users_live_services
CREATE INDEX users_live_services ON public.users USING btree (tenant_id, created_at, id) WHERE ((kind = 'service'::public.user_kind) AND (NOT is_deleted));

-- Add trigger public.api_keys.api_keys_notify
CREATE TRIGGER api_keys_notify AFTER UPDATE OF revoked_at, scopes, expires_at, user_id ON public.api_keys FOR EACH STATEMENT EXECUTE FUNCTION public.notify_api_keys();

-- Add trigger public.api_keys.api_keys_notify_deleted
CREATE TRIGGER api_keys_notify_deleted AFTER DELETE ON public.api_keys FOR EACH STATEMENT EXECUTE FUNCTION public.notify_api_keys();

-- Add trigger public.signing_keys.signing_keys_notify
CREATE TRIGGER signing_keys_notify AFTER INSERT OR DELETE OR UPDATE ON public.signing_keys FOR EACH STATEMENT EXECUTE FUNCTION public.notify_signing_keys();

-- Add trigger public.tenants.tenants_notify_api_keys
CREATE TRIGGER tenants_notify_api_keys AFTER UPDATE OF status, is_deleted ON public.tenants FOR EACH ROW WHEN (((old.status <> new.status) OR (old.is_deleted <> new.is_deleted))) EXECUTE FUNCTION public.notify_api_keys();

-- Add trigger public.users.users_notify_api_keys
CREATE TRIGGER users_notify_api_keys AFTER UPDATE OF status, is_deleted ON public.users FOR EACH ROW WHEN (((old.status <> new.status) OR (old.is_deleted <> new.is_deleted))) EXECUTE FUNCTION public.notify_api_keys();

-- Add trigger public.users.users_void_one_time_tokens
CREATE TRIGGER users_void_one_time_tokens AFTER UPDATE OF email, password_hash, status, is_deleted ON public.users FOR EACH ROW WHEN ((((old.email)::text <> (new.email)::text) OR ((old.password_hash)::text IS DISTINCT FROM (new.password_hash)::text) OR (old.status <> new.status) OR (old.is_deleted <> new.is_deleted))) EXECUTE FUNCTION public.void_one_time_tokens();

-- Rows: the permissions that the code asks for from now on, for the roles that hold them.
INSERT INTO permissions (key, description) VALUES
  ('user:import', 'Create users with the password hash of another system'),
  ('service_account:create', 'Create service accounts'),
  ('service_account:read', 'See service accounts'),
  ('service_account:update', 'Change service accounts'),
  ('service_account:delete', 'Delete service accounts'),
  ('api_key:create', 'Create API keys for others'),
  ('api_key:read', 'See the API keys of others'),
  ('api_key:delete', 'Revoke the API keys of others');
INSERT INTO role_permissions (role_id, permission_key)
SELECT roles.id, permissions.key
FROM roles, permissions
WHERE roles.tenant_id IS NULL AND (key IN ('user:import') OR key LIKE 'service_account:%' OR key LIKE 'api_key:%')
  AND (roles.name IN ('super_admin', 'owner', 'admin') OR roles.name = 'auditor' AND key IN ('service_account:read', 'api_key:read'));
