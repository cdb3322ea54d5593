import { createMember, type registerOwner, type TestApp } from "../support/app.ts";

/** At least one row of each kind for a tenant. */
export async function fillTenant(
  app: TestApp,
  owner: Awaited<ReturnType<typeof registerOwner>>,
): Promise<void> {
  const { id, tenantId, accessToken: token } = owner;
  await createMember(app, owner);
  await app.call("PATCH /v1/auth/me/profile", { token, json: { language: "de" } });
  await app.call("POST /v1/auth/me/totp", { token });
  await app.call("POST /v1/api-keys", { token, json: { name: "Deploy", scopes: ["user:read"] } });
  await app.deps.pool.query(
    `WITH role AS (
       INSERT INTO roles (id, tenant_id, name) VALUES (gen_random_uuid(), $2::uuid, 'custom') RETURNING id
     ), granted AS (
       INSERT INTO role_permissions (role_id, permission_key, tenant_id) SELECT id, 'user:read', $2::uuid FROM role
     ), code AS (
       INSERT INTO recovery_codes (id, account_id, code_hash) VALUES (gen_random_uuid(), $1::uuid, sha256($3::bytea))
     ), passkey AS (
       INSERT INTO passkeys (id, account_id, name, credential_id, public_key, user_handle, backup_eligible, backed_up)
       VALUES (gen_random_uuid(), $1::uuid, 'Key', sha256($3::bytea), 'x', sha256('x'), false, false)
     ), idempotent AS (
       INSERT INTO idempotency_keys (id, user_id, tenant_id, route, key, request_hash, expires_at)
       VALUES (gen_random_uuid(), $1::uuid, $2::uuid, 'x', 'x', sha256('x'), now() + interval '1 day')
     )
     INSERT INTO invitations (id, tenant_id, email, role_ids, token_hash, expires_at)
     SELECT gen_random_uuid(), $2::uuid, 'x@x.example', ARRAY[id], sha256($3::bytea), now() + interval '1 day' FROM role`,
    [id, tenantId, Buffer.from(id)],
  );
  await app.deps.pool.query(
    `INSERT INTO audit_seals (seq, tenant_id, audit_id, created_at, digest, hash)
     VALUES ((SELECT count(*) + 1 FROM audit_seals), $1, gen_random_uuid(), now(), sha256('x'), sha256('x'))`,
    [tenantId],
  );
}
