/** What is done to a tenant and within it, by permission. */
import { randomName } from "../../support/app.ts";
import { type At, type Row, STEP_UP } from "../row.ts";

const NO_TENANT = [404, "a platform account has no tenant"] as const;
const OWN_KEYS = [200, "one's own keys need no permission"] as const;
const NOT_THEIRS = [404, "without it only one's own keys are seen"] as const;
/** With a recent log-in too: one's own factors are removed one by one, below /v1/auth/me. */
const NAMED_EACH = { status: 403, code: "permission_denied" };
const PLATFORM_ONLY = [403, "a tenant's own account never does this, whatever it holds"] as const;

/** A platform account says which tenant it means. */
const within = ({ caller, house: { tenantId } }: At) => (caller === "root" ? { tenantId } : {});
const newAddress = ({ house }: At) => `${randomName()}@${house.slug}.example`;

const newKey = () => `acme:${randomName()}:read`;

/** One that nothing uses, whoever asks for it. */
async function declared({ app }: At): Promise<string> {
  const key = newKey();
  await app.deps.db.permission.create({ data: { key, description: "Declared" } });
  return key;
}

export const TENANT: Record<string, Row> = {
  "GET /v1/users": { access: "user:read", success: 200 },
  "POST /v1/users": {
    access: "user:create",
    success: 201,
    body: (at) => ({ email: newAddress(at), ...within(at) }),
  },
  "POST /v1/users/bulk": {
    access: "user:create",
    success: 200,
    body: (at) => ({ operation: "create", items: [{ email: newAddress(at), ...within(at) }] }),
  },
  "POST /v1/users/import": { access: "user:import", success: 200, csv: "email\nx@new.example\n" },
  "GET /v1/users/export": { access: "user:export", success: 200 },
  "GET /v1/users/{id}": { access: "user:read", success: 200, id: "user" },
  "PATCH /v1/users/{id}": {
    stale: { ...STEP_UP, json: (at) => ({ email: newAddress(at) }) },
    access: "user:update",
    success: 200,
    id: "user",
    json: { firstName: "Ada" },
  },
  "DELETE /v1/users/{id}": { stale: STEP_UP, access: "user:delete", success: 204, id: "user" },
  "POST /v1/users/{id}/restore": { access: "user:restore", success: 200, id: "deletedUser" },
  "POST /v1/users/{id}/reset-password": { access: "user:update", success: 202, id: "user" },
  "POST /v1/users/{id}/erase": {
    stale: STEP_UP,
    access: "user:erase",
    success: 204,
    id: "user",
    body: ({ made: { email } }) => ({ email }),
  },
  "POST /v1/users/{id}/impersonate": {
    stale: STEP_UP,
    access: "user:impersonate",
    session: true,
    success: 200,
    id: "user",
    json: { reason: "Ticket 4711" },
    except: { with: PLATFORM_ONLY },
  },
  "GET /v1/users/{id}/personal-data": { access: "user:export", success: 200, id: "user" },
  "DELETE /v1/users/{id}/factors": {
    stale: NAMED_EACH,
    access: "user:update",
    success: 204,
    id: "user",
  },
  "GET /v1/users/{id}/profile": { access: "user:read", success: 200, id: "user" },
  "PATCH /v1/users/{id}/profile": {
    access: "user:update",
    success: 200,
    id: "user",
    json: { language: "de" },
  },
  "GET /v1/users/{id}/roles": { access: "role:read", success: 200, id: "user" },
  "PUT /v1/users/{id}/roles": {
    access: "role:assign",
    success: 200,
    id: "user",
    json: { roles: ["newcomer"] },
  },
  "GET /v1/users/{id}/sessions": { access: "session:read", success: 200, id: "user" },
  "DELETE /v1/users/{id}/sessions": {
    stale: STEP_UP,
    access: "session:revoke",
    success: 204,
    id: "user",
  },
  "DELETE /v1/users/{id}/sessions/{sessionId}": {
    stale: STEP_UP,
    access: "session:revoke",
    success: 204,
    id: "userSession",
  },

  "GET /v1/permissions": { access: "token", success: 200 },
  "POST /v1/permissions": {
    access: "permission:declare",
    success: 201,
    body: () => ({ key: newKey(), description: "New" }),
    except: { with: PLATFORM_ONLY, keyWith: PLATFORM_ONLY },
  },
  "GET /v1/permissions/{key}": { access: "token", success: 200, key: async () => "user:read" },
  "PATCH /v1/permissions/{key}": {
    access: "permission:declare",
    success: 200,
    key: declared,
    json: { description: "Changed" },
    except: { with: PLATFORM_ONLY, keyWith: PLATFORM_ONLY },
  },
  "DELETE /v1/permissions/{key}": {
    access: "permission:declare",
    success: 204,
    key: declared,
    except: { with: PLATFORM_ONLY, keyWith: PLATFORM_ONLY },
  },
  "GET /v1/roles": { access: "role:read", success: 200 },
  "POST /v1/roles": {
    access: "role:create",
    success: 201,
    body: (at) => ({ name: randomName(), permissions: [], ...within(at) }),
  },
  "GET /v1/roles/{id}": { access: "role:read", success: 200, id: "role" },
  "PATCH /v1/roles/{id}": {
    access: "role:update",
    success: 200,
    id: "role",
    json: { description: "Changed" },
  },
  "DELETE /v1/roles/{id}": { access: "role:delete", success: 204, id: "role" },

  "GET /v1/invitations": { access: "invitation:read", success: 200 },
  "POST /v1/invitations": {
    access: "invitation:create",
    success: 201,
    body: (at) => ({ email: newAddress(at), ...within(at) }),
  },
  "GET /v1/invitations/{id}": { access: "invitation:read", success: 200, id: "invitation" },
  "DELETE /v1/invitations/{id}": { access: "invitation:delete", success: 204, id: "invitation" },
  "POST /v1/invitations/{id}/resend": {
    access: "invitation:create",
    success: 200,
    id: "invitation",
  },

  "GET /v1/api-keys": { access: "api_key:read", success: 200, except: { without: OWN_KEYS } },
  "POST /v1/api-keys": {
    stale: STEP_UP,
    access: "session",
    success: 201,
    json: { name: "Own", scopes: ["user:read"] },
    except: { without: [403, "nobody gives a key what they do not hold"] },
  },
  "GET /v1/api-keys/{id}": {
    access: "api_key:read",
    success: 200,
    id: "apiKey",
    except: { without: NOT_THEIRS },
  },
  "DELETE /v1/api-keys/{id}": {
    stale: STEP_UP,
    access: "api_key:delete",
    success: 204,
    id: "apiKey",
    except: { without: NOT_THEIRS },
  },

  "GET /v1/service-accounts": { access: "service_account:read", success: 200 },
  "POST /v1/service-accounts": {
    access: "service_account:create",
    success: 201,
    body: (at) => ({ name: "Nightly", ...within(at) }),
  },
  "GET /v1/service-accounts/{id}": {
    access: "service_account:read",
    success: 200,
    id: "serviceAccount",
  },
  "PATCH /v1/service-accounts/{id}": {
    access: "service_account:update",
    success: 200,
    id: "serviceAccount",
    json: { name: "Hourly" },
  },
  "DELETE /v1/service-accounts/{id}": {
    access: "service_account:delete",
    success: 204,
    id: "serviceAccount",
  },

  "GET /v1/audit-logs": { access: "audit:read", success: 200 },
  "GET /v1/audit-logs/export": { access: "audit:export", success: 200 },

  "GET /v1/tenants": { access: "tenant:list", success: 200 },
  "POST /v1/tenants": {
    access: "tenant:create",
    success: 201,
    body: () => ({ name: "New", slug: randomName() }),
    except: { with: PLATFORM_ONLY, keyWith: PLATFORM_ONLY },
  },
  "GET /v1/tenants/current": { access: "tenant:read", success: 200, except: { root: NO_TENANT } },
  "GET /v1/tenants/current/usage": {
    access: "tenant:update",
    success: 200,
    except: { root: NO_TENANT },
  },
  "GET /v1/tenants/{id}": { access: "tenant:read", success: 200, id: "tenant" },
  "GET /v1/tenants/{id}/usage": { access: "tenant:update", success: 200, id: "tenant" },
  "PATCH /v1/tenants/{id}": {
    access: "tenant:update",
    success: 200,
    id: "tenant",
    json: { settings: { locale: "de" } },
  },
  "DELETE /v1/tenants/{id}": {
    stale: STEP_UP,
    access: "tenant:delete",
    success: 204,
    id: "newTenant",
    endsTenant: true,
  },
  "POST /v1/tenants/{id}/suspend": { access: "tenant:suspend", success: 200, id: "newTenant" },
  "POST /v1/tenants/{id}/activate": { access: "tenant:suspend", success: 200, id: "newTenant" },
  "POST /v1/tenants/{id}/restore": { access: "tenant:suspend", success: 200, id: "deletedTenant" },
  "POST /v1/tenants/{id}/user-pool": {
    stale: STEP_UP,
    access: "tenant:create",
    session: true,
    success: 200,
    id: "newTenant",
    json: { userPool: "isolated" },
  },
  "POST /v1/tenants/{id}/purge": {
    access: "tenant:purge",
    success: 204,
    id: "deletedTenant",
    body: ({ made: { slug } }) => ({ slug }),
  },
};
