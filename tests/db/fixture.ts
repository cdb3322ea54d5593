/** Rows to try the rules of the database on. */

export const IDS = {
  tenant: "00000000-0000-7000-8000-0000000000a1",
  gone: "00000000-0000-7000-8000-0000000000a2",
  user: "00000000-0000-7000-8000-0000000000b1",
  deleted: "00000000-0000-7000-8000-0000000000b2",
  /** Accounts without a user: of the tenant's pool with a shared account's address, and of the shared one. */
  added: "00000000-0000-7000-8000-0000000000b3",
  free: "00000000-0000-7000-8000-0000000000b4",
  /** Of a user of the tenant, who has got another address than theirs. */
  renamed: "00000000-0000-7000-8000-0000000000b5",
  session: "00000000-0000-7000-8000-0000000000c1",
  apiKey: "00000000-0000-7000-8000-0000000000e1",
  role: "00000000-0000-7000-8000-0000000000d1",
  fresh: "00000000-0000-7000-8000-0000000000f1",
} as const;

/** One row of each table, valid in every column. */
export const ROWS: Record<string, Record<string, string>> = {
  tenants: { id: `'${IDS.fresh}'`, slug: "'fresh'", name: "'Fresh'" },
  accounts: { id: `'${IDS.fresh}'`, pool_id: `'${IDS.tenant}'`, email: "'fresh@x.example'" },
  // Deleted, for then the address is its own: somebody live has their account's.
  users: {
    id: `'${IDS.fresh}'`,
    tenant_id: `'${IDS.tenant}'`,
    email: "'fresh@x.example'",
    is_deleted: "true",
    deleted_at: "now()",
  },
  // Of somebody who has none yet: their row was made past the triggers.
  user_search: { user_id: `'${IDS.renamed}'`, tenant_id: `'${IDS.tenant}'`, text: "' old'" },
  user_profiles: { user_id: `'${IDS.user}'`, tenant_id: `'${IDS.tenant}'` },
  roles: { id: `'${IDS.fresh}'`, tenant_id: `'${IDS.tenant}'`, name: "'fresh'" },
  user_roles: {
    user_id: `'${IDS.user}'`,
    role_id: `'${IDS.role}'`,
    tenant_id: `'${IDS.tenant}'`,
  },
  permissions: { key: "'fresh:do'", description: "'Fresh'" },
  sessions: {
    id: `'${IDS.fresh}'`,
    account_id: `'${IDS.user}'`,
    amr: "'{pwd}'",
    created_at: "'2020-01-01'",
    idle_expires_at: "'2020-01-02'",
    expires_at: "'2020-01-03'",
  },
  session_users: {
    session_id: `'${IDS.session}'`,
    user_id: `'${IDS.user}'`,
    tenant_id: `'${IDS.tenant}'`,
  },
  refresh_tokens: {
    id: `'${IDS.fresh}'`,
    session_id: `'${IDS.session}'`,
    token_hash: "sha256('fresh')",
    created_at: "'2020-01-01'",
    expires_at: "'2020-01-02'",
  },
  one_time_tokens: {
    id: `'${IDS.fresh}'`,
    purpose: "'reset_password'",
    user_id: `'${IDS.user}'`,
    tenant_id: `'${IDS.tenant}'`,
    token_hash: "sha256('fresh')",
    created_at: "'2020-01-01'",
    expires_at: "'2020-01-02'",
  },
  totp_factors: {
    id: `'${IDS.fresh}'`,
    account_id: `'${IDS.user}'`,
    secret: "'x'",
  },
  recovery_codes: {
    id: `'${IDS.fresh}'`,
    account_id: `'${IDS.user}'`,
    code_hash: "sha256('fresh')",
  },
  passkeys: {
    id: `'${IDS.fresh}'`,
    account_id: `'${IDS.user}'`,
    name: "'Key'",
    credential_id: "'fresh'",
    public_key: "'x'",
    user_handle: "sha256('x')",
    backup_eligible: "true",
    backed_up: "false",
  },
  api_keys: {
    id: `'${IDS.fresh}'`,
    user_id: `'${IDS.user}'`,
    tenant_id: `'${IDS.tenant}'`,
    name: "'Deploy'",
    prefix: "'tnk_abcdefgh'",
    key_hash: "sha256('fresh')",
    scopes: "'{user:read}'",
    created_at: "'2020-01-01'",
  },
  signing_keys: {
    id: "'fresh'",
    algorithm: "'ES256'",
    public_jwk: "'{}'",
    private_jwk: "'x'",
    activates_at: "'2020-01-01'",
  },
  invitations: {
    id: `'${IDS.fresh}'`,
    tenant_id: `'${IDS.tenant}'`,
    email: "'fresh@x.example'",
    role_ids: `ARRAY['${IDS.role}']::uuid[]`,
    token_hash: "sha256('fresh')",
    created_at: "'2020-01-01'",
    expires_at: "'2020-01-02'",
  },
  idempotency_keys: {
    id: `'${IDS.fresh}'`,
    user_id: `'${IDS.user}'`,
    tenant_id: `'${IDS.tenant}'`,
    route: "'POST /v1/users'",
    key: "'fresh'",
    request_hash: "sha256('fresh')",
    created_at: "'2020-01-01'",
    expires_at: "'2020-01-02'",
  },
  rate_limits: { key: "'fresh'" },
  audit_log: { id: `'${IDS.fresh}'`, action: "'test.done'", resource_type: "'test'" },
  audit_seals: {
    seq: "2",
    audit_id: `'${IDS.fresh}'`,
    created_at: "'2020-01-01'",
    digest: "sha256('fresh')",
    hash: "sha256('fresh')",
  },
  audit_keys: { id: "substring(sha256('fresh'), 1, 8)", sealed: "'x'" },
  audit_archives: {
    month: "'2020-01'",
    row_count: "1",
    sha256: "sha256('fresh')",
    mac: "sha256('fresh')",
  },
};

/** What is there before each row is tried. */
export const FIXTURE = `
  INSERT INTO tenants (id, slug, name) VALUES ('${IDS.tenant}', 'tenant', 'Tenant');
  INSERT INTO tenants (id, slug, name, is_deleted, deleted_at) VALUES ('${IDS.gone}', 'gone', 'Gone', true, now());
  INSERT INTO accounts (id, pool_id, email, is_deleted, deleted_at) VALUES
    ('${IDS.user}', NULL, 'taken@x.example', false, NULL), ('${IDS.deleted}', NULL, 'deleted@x.example', true, now()),
    ('${IDS.added}', '${IDS.tenant}', 'taken@x.example', false, NULL), ('${IDS.free}', NULL, 'free@x.example', false, NULL),
    ('${IDS.renamed}', NULL, 'new@x.example', false, NULL);
  INSERT INTO users (id, tenant_id, account_id, email) VALUES ('${IDS.user}', '${IDS.tenant}', '${IDS.user}', 'taken@x.example');
  INSERT INTO users (id, account_id, email, is_deleted, deleted_at) VALUES ('${IDS.deleted}', '${IDS.deleted}', 'deleted@x.example', true, now());
  SET session_replication_role = replica;
  INSERT INTO users (id, tenant_id, account_id, email) VALUES ('${IDS.renamed}', '${IDS.tenant}', '${IDS.renamed}', 'old@x.example');
  SET session_replication_role = origin;
  INSERT INTO roles (id, tenant_id, name) VALUES ('${IDS.role}', '${IDS.tenant}', 'taken');
  INSERT INTO sessions (id, account_id, amr, idle_expires_at, expires_at)
    SELECT id::uuid, '${IDS.user}', '{pwd}', now() + interval '1 day', now() + interval '1 day'
    FROM unnest(ARRAY['${IDS.session}', '${IDS.session.replace("c1", "c2")}']) AS id;
  INSERT INTO session_users (session_id, user_id, tenant_id)
    VALUES ('${IDS.session.replace("c1", "c2")}', '${IDS.user}', '${IDS.tenant}');
  INSERT INTO refresh_tokens (id, session_id, token_hash, used_at, expires_at)
    VALUES (gen_random_uuid(), '${IDS.session}', sha256('used'), now(), now() + interval '1 day');
  INSERT INTO refresh_tokens (id, session_id, token_hash, expires_at)
    VALUES (gen_random_uuid(), '${IDS.session.replace("c1", "c2")}', sha256('unused'), now() + interval '1 day');
  INSERT INTO one_time_tokens (id, purpose, user_id, tenant_id, token_hash, challenge_hash, expires_at)
    VALUES (gen_random_uuid(), 'magic_link', '${IDS.user}', '${IDS.tenant}', sha256('taken'), sha256('taken'), now() + interval '1 day');
  INSERT INTO totp_factors (id, account_id, secret, confirmed_at) VALUES (gen_random_uuid(), '${IDS.user}', 'x', now());
  INSERT INTO recovery_codes (id, account_id, code_hash) VALUES (gen_random_uuid(), '${IDS.user}', sha256('taken'));
  INSERT INTO passkeys (id, account_id, name, credential_id, public_key, user_handle, backup_eligible, backed_up)
    VALUES (gen_random_uuid(), '${IDS.user}', 'Key', sha256('taken'), 'x', sha256('x'), false, false);
  INSERT INTO api_keys (id, user_id, tenant_id, name, prefix, key_hash, scopes)
    VALUES ('${IDS.apiKey}', '${IDS.user}', '${IDS.tenant}', 'Deploy', 'tnk_abcdefgh', sha256('taken'), '{user:read}');
  INSERT INTO invitations (id, tenant_id, email, role_ids, token_hash, expires_at)
    VALUES (gen_random_uuid(), '${IDS.tenant}', 'invited@x.example', ARRAY['${IDS.role}']::uuid[], sha256('taken'), now() + interval '1 day');
  INSERT INTO idempotency_keys (id, user_id, tenant_id, route, key, request_hash, expires_at)
    VALUES (gen_random_uuid(), '${IDS.user}', '${IDS.tenant}', 'POST /v1/users', 'taken', sha256('x'), now() + interval '1 day'),
      (gen_random_uuid(), NULL, NULL, 'POST /v1/users', 'nobodys', sha256('x'), now() + interval '1 day');
  INSERT INTO audit_seals (seq, audit_id, created_at, digest, hash)
    VALUES (1, '${IDS.user}', '2020-01-01', sha256('x'), sha256('x'));`;
