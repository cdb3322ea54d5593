-- AlterEnum
ALTER TYPE "one_time_purpose" ADD VALUE 'bootstrap';

-- AlterTable
ALTER TABLE "audit_log" ADD COLUMN     "impersonator_id" UUID;

-- AlterTable
ALTER TABLE "sessions" ADD COLUMN     "impersonator_id" UUID;

-- AlterTable
ALTER TABLE "tenants" ADD COLUMN     "seat_limit" INTEGER;

-- AlterTable
ALTER TABLE "users" ADD COLUMN     "search_text" TEXT NOT NULL DEFAULT '';

-- CreateTable
CREATE TABLE "invitations" (
    "id" UUID NOT NULL,
    "tenant_id" UUID NOT NULL,
    "email" VARCHAR(255) NOT NULL,
    "role_ids" UUID[],
    "token_hash" BYTEA NOT NULL,
    "invited_by" UUID,
    "expires_at" TIMESTAMPTZ(3) NOT NULL,
    "accepted_at" TIMESTAMPTZ(3),
    "accepted_by" UUID,
    "revoked_at" TIMESTAMPTZ(3),
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "invitations_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "idempotency_keys" (
    "id" UUID NOT NULL,
    "tenant_id" UUID,
    "user_id" UUID NOT NULL,
    "route" VARCHAR(120) NOT NULL,
    "key" VARCHAR(255) NOT NULL,
    "request_hash" BYTEA NOT NULL,
    "status" SMALLINT,
    "response" BYTEA,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "expires_at" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "idempotency_keys_pkey" PRIMARY KEY ("id")
);

-- CreateIndex
CREATE UNIQUE INDEX "invitations_token_hash_key" ON "invitations"("token_hash");

-- CreateIndex
CREATE INDEX "invitations_tenant_id_created_at_id_idx" ON "invitations"("tenant_id", "created_at", "id");

-- CreateIndex
CREATE INDEX "invitations_expires_at_idx" ON "invitations"("expires_at");

-- CreateIndex
CREATE INDEX "idempotency_keys_expires_at_idx" ON "idempotency_keys"("expires_at");

-- CreateIndex
CREATE UNIQUE INDEX "idempotency_keys_user_id_route_key_key" ON "idempotency_keys"("user_id", "route", "key");

-- AddForeignKey
ALTER TABLE "invitations" ADD CONSTRAINT "invitations_tenant_id_fkey" FOREIGN KEY ("tenant_id") REFERENCES "tenants"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- The bodies of functions may name what comes later.
SET check_function_bodies = off;

-- Change constraint public.one_time_tokens.one_time_tokens_user_check
ALTER TABLE public.one_time_tokens DROP CONSTRAINT one_time_tokens_user_check;
ALTER TABLE public.one_time_tokens ADD CONSTRAINT one_time_tokens_user_check CHECK (((user_id IS NOT NULL) OR ((purpose)::text = ANY (ARRAY['register'::text, 'passkey_login'::text, 'bootstrap'::text]))));

-- Change index public.users_live_search
DROP INDEX public.users_live_search;
CREATE INDEX users_live_search ON public.users USING gin (search_text public.gin_trgm_ops) WHERE (NOT is_deleted);

-- Add extension unaccent
CREATE EXTENSION unaccent WITH SCHEMA public;

-- Add function public.fold_user_search()
CREATE OR REPLACE FUNCTION public.fold_user_search()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
BEGIN
  NEW.search_text := lower(public.unaccent('public.unaccent', concat_ws(' ', NEW.email, NEW.first_name, NEW.last_name)));
  RETURN NEW;
END
$function$;

-- Add constraint public.idempotency_keys.idempotency_keys_answer_check
ALTER TABLE public.idempotency_keys ADD CONSTRAINT idempotency_keys_answer_check CHECK (((status IS NULL) = (response IS NULL)));

-- Add constraint public.idempotency_keys.idempotency_keys_expiry_check
ALTER TABLE public.idempotency_keys ADD CONSTRAINT idempotency_keys_expiry_check CHECK ((expires_at > created_at));

-- Add constraint public.idempotency_keys.idempotency_keys_hash_check
ALTER TABLE public.idempotency_keys ADD CONSTRAINT idempotency_keys_hash_check CHECK ((octet_length(request_hash) = 32));

-- Add constraint public.idempotency_keys.idempotency_keys_key_check
ALTER TABLE public.idempotency_keys ADD CONSTRAINT idempotency_keys_key_check CHECK (((key)::text <> ''::text));

-- Add constraint public.invitations.invitations_accepted_check
ALTER TABLE public.invitations ADD CONSTRAINT invitations_accepted_check CHECK (((accepted_at IS NULL) = (accepted_by IS NULL)));

-- Add constraint public.invitations.invitations_email_check
ALTER TABLE public.invitations ADD CONSTRAINT invitations_email_check CHECK ((((email)::text = lower((email)::text)) AND ((email)::text ~ '^[^@[:space:][:cntrl:]]+@[^@[:space:][:cntrl:]]+$'::text)));

-- Add constraint public.invitations.invitations_end_check
ALTER TABLE public.invitations ADD CONSTRAINT invitations_end_check CHECK (((accepted_at IS NULL) OR (revoked_at IS NULL)));

-- Add constraint public.invitations.invitations_expiry_check
ALTER TABLE public.invitations ADD CONSTRAINT invitations_expiry_check CHECK ((expires_at > created_at));

-- Add constraint public.invitations.invitations_hash_check
ALTER TABLE public.invitations ADD CONSTRAINT invitations_hash_check CHECK ((octet_length(token_hash) = 32));

-- Add constraint public.invitations.invitations_roles_check
ALTER TABLE public.invitations ADD CONSTRAINT invitations_roles_check CHECK ((cardinality(role_ids) > 0));

-- Add constraint public.tenants.tenants_seat_limit_check
ALTER TABLE public.tenants ADD CONSTRAINT tenants_seat_limit_check CHECK ((seat_limit > 0));

-- Add index public.invitations_one_pending
CREATE UNIQUE INDEX invitations_one_pending ON public.invitations USING btree (tenant_id, email) WHERE ((accepted_at IS NULL) AND (revoked_at IS NULL));

-- Add index public.tenants_deleted
CREATE INDEX tenants_deleted ON public.tenants USING btree (deleted_at) WHERE is_deleted;

-- Add trigger public.users.users_fold_search
CREATE TRIGGER users_fold_search BEFORE INSERT OR UPDATE OF email, first_name, last_name ON public.users FOR EACH ROW EXECUTE FUNCTION public.fold_user_search();

-- Rows: what the search looks at, and the permissions that the code asks for from now on.
UPDATE public.users SET search_text = lower(public.unaccent('public.unaccent', concat_ws(' ', email, first_name, last_name)));
INSERT INTO permissions (key, description) VALUES
  ('user:export', 'Export users and their personal data'),
  ('user:erase', 'Erase a person for good'),
  ('user:impersonate', 'Act as a user, for a while and on the record'),
  ('tenant:purge', 'Delete a tenant for good'),
  ('invitation:create', 'Invite people'),
  ('invitation:read', 'See invitations'),
  ('invitation:delete', 'Revoke invitations');
INSERT INTO role_permissions (role_id, permission_key)
SELECT roles.id, permissions.key
FROM roles, permissions
WHERE roles.tenant_id IS NULL AND CASE roles.name
  WHEN 'super_admin' THEN key IN ('user:export', 'user:erase', 'user:impersonate', 'tenant:purge') OR key LIKE 'invitation:%'
  WHEN 'owner' THEN key IN ('user:export', 'user:erase') OR key LIKE 'invitation:%'
  WHEN 'admin' THEN key IN ('user:export', 'user:erase') OR key LIKE 'invitation:%'
  WHEN 'auditor' THEN key = 'invitation:read'
END;
