-- Says who set the passwords that are there, and lets an address stand once in a tenant whatever its scope. Until it ends
-- the users whose row it writes cannot log in, and during its last part, the index, nobody is written.
-- With 100,000 users and 500,000 rows of the audit log it takes some seconds: 8 s on two cores that were busy otherwise.
SET LOCAL tenantry.scope = 'platform';

-- Rows: who registered, was invited or had a link mailed for a new password has set their own. What platform accounts set
-- is vouched for. The rest is the tenant's, even where the address counts as proved: until now that could be the word of
-- an import. Such a password goes when its user joins another tenant, and not before.
WITH invited AS (
  SELECT users.id FROM public.invitations JOIN public.users ON users.id = accepted_by
  WHERE accepted_at < users.created_at + interval '1 minute'
), origins AS (
  SELECT id, CASE
      WHEN created_by = id
        OR id IN (SELECT id FROM invited)
        OR id IN (SELECT resource_id FROM public.audit_log WHERE action = 'user.password_reset' AND outcome = 'success')
        THEN 'own'
      WHEN tenant_id IS NULL OR created_by IS NULL
        OR created_by IN (SELECT id FROM public.users WHERE tenant_id IS NULL)
        THEN 'vouched'
      ELSE 'tenant'
    END::public.password_origin AS origin
  FROM public.users WHERE password_hash IS NOT NULL
)
UPDATE public.users SET password_origin = origin FROM origins WHERE origins.id = users.id AND origin <> 'tenant';

-- Rows: an address can stand twice in a tenant only where EMAIL_SCOPE was switched. The user who logged in last stays; the
-- other one is deleted, and can be restored under another address.
WITH twice AS (
  SELECT id, row_number() OVER (PARTITION BY tenant_id, email ORDER BY last_login_at DESC NULLS LAST, created_at, id) AS place
  FROM public.users WHERE NOT is_deleted
), removed AS (
  UPDATE public.users SET is_deleted = true, deleted_at = now(), pending_email = NULL, updated_at = now(), version = version + 1
  FROM twice WHERE twice.id = users.id AND place > 1
  RETURNING users.id, users.tenant_id
), ended AS (
  UPDATE public.sessions SET revoked_at = now(), revoked_reason = 'user_deleted'
  WHERE user_id IN (SELECT id FROM removed) AND revoked_at IS NULL
), keys AS (
  UPDATE public.api_keys SET revoked_at = now() WHERE user_id IN (SELECT id FROM removed) AND revoked_at IS NULL
)
INSERT INTO public.audit_log (id, tenant_id, action, resource_type, resource_id, details)
SELECT gen_random_uuid(), tenant_id, 'user.deleted', 'user', id, '{"reason": "address_stood_twice"}' FROM removed;

-- Add index public.users_tenant_email
CREATE UNIQUE INDEX users_tenant_email ON public.users USING btree (tenant_id, email) NULLS NOT DISTINCT WHERE (NOT is_deleted);
