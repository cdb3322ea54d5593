/** On the way to a session, and what belongs to oneself. */
import { createMember, logIn, PASSWORD, randomName } from "../../support/app.ts";
import { createAuthenticator } from "../../support/authenticator.ts";
import { totpCode } from "../../support/factors.ts";
import { must } from "../houses.ts";
import { type At, type Row, STEP_UP } from "../row.ts";

const MAILED = "what a mail brings: tests/auth/mails";
const SHOWN = "what an authenticator signs: tests/auth/login";
const INVITED = "what a mail brings: tests/invitations";

const credential = { id: "AAAA", rawId: "AAAA", type: "public-key" };
const assertion = {
  ...credential,
  response: { clientDataJSON: "AAAA", authenticatorData: "AAAA", signature: "AAAA" },
};

/** An address of the tenant that the caller speaks of. */
const spareAddress = ({ house }: At) => ({ email: house.spare.email });
const newAddress = ({ house }: At) => ({ email: `${randomName()}@${house.slug}.example` });

export const OWN: Record<string, Row> = {
  "POST /v1/auth/register": {
    access: "anonymous",
    success: 201,
    body: (at) => ({
      ...newAddress(at),
      password: PASSWORD,
      tenant: { name: "New", slug: randomName() },
    }),
  },
  "POST /v1/auth/register/complete": {
    access: "anonymous",
    success: 400,
    proof: MAILED,
    json: { token: "wrong", password: PASSWORD },
  },
  "POST /v1/auth/login": {
    access: "anonymous",
    success: 200,
    body: (at) => ({ ...spareAddress(at), password: PASSWORD }),
  },
  "POST /v1/auth/refresh": {
    access: "anonymous",
    success: 200,
    body: async ({ app, house }) => {
      const { refreshToken } = await logIn(app, house.spare.email);
      return { refreshToken };
    },
  },
  "POST /v1/auth/forgot-password": { access: "anonymous", success: 202, body: spareAddress },
  "POST /v1/auth/reset-password": {
    access: "anonymous",
    success: 400,
    proof: MAILED,
    json: { token: "wrong", newPassword: PASSWORD },
  },
  "POST /v1/auth/magic-link": { access: "anonymous", success: 202, body: spareAddress },
  "POST /v1/auth/magic-link/verify": {
    access: "anonymous",
    success: 400,
    proof: MAILED,
    json: { token: "wrong" },
  },
  "POST /v1/auth/unlock": {
    access: "anonymous",
    success: 400,
    proof: MAILED,
    json: { token: "wrong" },
  },
  "POST /v1/auth/select-tenant": {
    access: "anonymous",
    success: 400,
    proof: "what a log-in answers: tests/auth/login/select-tenant.test.ts",
    json: { selectionToken: "wrong", tenantId: "0193a1c2-7f3c-7a90-b1d4-93e5f6a7c802" },
  },
  "POST /v1/auth/mfa/verify": {
    access: "anonymous",
    success: 401,
    proof: SHOWN,
    json: { mfaToken: "wrong", method: "totp", code: "000000" },
  },
  "POST /v1/auth/mfa/passkey-options": {
    access: "anonymous",
    success: 401,
    proof: SHOWN,
    json: { mfaToken: "wrong" },
  },
  "POST /v1/auth/passkey/options": { access: "anonymous", success: 200 },
  "POST /v1/auth/passkey/login": {
    access: "anonymous",
    success: 401,
    proof: SHOWN,
    json: { response: assertion },
  },
  "POST /v1/invitations/inspect": {
    access: "anonymous",
    success: 400,
    proof: INVITED,
    json: { token: "wrong" },
  },
  "POST /v1/invitations/accept": {
    access: "anonymous",
    success: 400,
    proof: INVITED,
    json: { token: "wrong", password: PASSWORD },
  },
  "POST /v1/platform/bootstrap": {
    access: "anonymous",
    success: 400,
    proof: "what the server writes on its console: tests/platform/bootstrap.test.ts",
    json: { token: "wrong", email: "root@platform.example", password: PASSWORD },
  },

  "POST /v1/auth/logout": { access: "session", success: 204, fresh: true },
  "POST /v1/auth/logout-all": { stale: STEP_UP, access: "session", success: 204, fresh: true },
  "POST /v1/auth/change-password": {
    access: "session",
    success: 204,
    fresh: true,
    json: { currentPassword: PASSWORD, newPassword: `${PASSWORD}!` },
  },
  "POST /v1/auth/reauthenticate": {
    access: "session",
    success: 200,
    fresh: true,
    json: { password: PASSWORD },
  },
  "POST /v1/auth/reauthenticate/passkey-options": { access: "session", success: 200 },
  "POST /v1/auth/check": {
    access: "token",
    success: 200,
    json: { permissions: ["user:read"] },
  },
  "GET /v1/auth/me": { access: "session", success: 200 },
  "DELETE /v1/auth/me": {
    stale: STEP_UP,
    access: "session",
    success: 204,
    fresh: true,
    // Else the tenant of the tries would have no owner any more.
    before: async ({ app, house }) => createMember(app, house.owner, ["owner"]),
  },
  "POST /v1/auth/restore-account": {
    access: "anonymous",
    success: 400,
    proof: MAILED,
    json: { token: "wrong" },
  },
  "GET /v1/auth/me/tenants": { access: "session", success: 200 },
  "POST /v1/auth/me/tenants/{id}/leave": {
    stale: STEP_UP,
    access: "session",
    success: 204,
    fresh: true,
    key: async ({ house }) => house.tenantId,
    except: { root: [403, "a platform account belongs to no tenant, and leaves none"] },
  },
  "POST /v1/tenants/own": {
    access: "session",
    success: 201,
    body: () => ({ name: randomName(), slug: randomName() }),
    except: { root: [403, "a platform account belongs to no tenant, and owns none"] },
  },
  "GET /v1/auth/me/profile": { access: "session", success: 200 },
  "PATCH /v1/auth/me/profile": { access: "session", success: 200, json: { language: "de" } },
  "GET /v1/auth/me/personal-data": { access: "session", success: 200 },
  "GET /v1/auth/sessions": { access: "session", success: 200 },
  "DELETE /v1/auth/sessions": { stale: STEP_UP, access: "session", success: 204, fresh: true },
  "DELETE /v1/auth/sessions/{id}": {
    stale: STEP_UP,
    access: "session",
    success: 204,
    id: "ownSession",
  },
  "POST /v1/auth/email/verify": {
    access: "anonymous",
    success: 400,
    proof: MAILED,
    json: { token: "wrong" },
  },
  "POST /v1/auth/me/email": {
    stale: STEP_UP,
    access: "session",
    success: 202,
    fresh: true,
    body: newAddress,
  },
  "POST /v1/auth/me/email/verification": { access: "session", success: 202 },
  "POST /v1/auth/me/email/verify": {
    access: "session",
    success: 400,
    proof: MAILED,
    json: { token: "wrong" },
  },
  "POST /v1/invitations/join": {
    stale: STEP_UP,
    access: "session",
    success: 400,
    proof: INVITED,
    json: { token: "wrong" },
    except: { root: [403, "a platform account belongs to no tenant, and joins none"] },
  },

  "GET /v1/auth/me/factors": { access: "session", success: 200 },
  "POST /v1/auth/me/totp": { stale: STEP_UP, access: "session", success: 200, fresh: true },
  "POST /v1/auth/me/totp/confirm": {
    stale: STEP_UP,
    access: "session",
    success: 200,
    fresh: true,
    body: totpToConfirm,
  },
  "DELETE /v1/auth/me/totp": {
    stale: STEP_UP,
    access: "session",
    success: 204,
    fresh: true,
    before: withTotp,
  },
  "POST /v1/auth/me/recovery-codes": {
    stale: STEP_UP,
    access: "session",
    success: 200,
    fresh: true,
    before: withTotp,
  },
  "POST /v1/auth/me/passkeys/options": {
    stale: STEP_UP,
    access: "session",
    success: 200,
    fresh: true,
  },
  "POST /v1/auth/me/passkeys": {
    stale: STEP_UP,
    access: "session",
    success: 201,
    fresh: true,
    body: async ({ app, who: { accessToken: token } }) => {
      const { body } = await app.call("POST /v1/auth/me/passkeys/options", { token });
      return { response: createAuthenticator().register(body) };
    },
  },
  "PATCH /v1/auth/me/passkeys/{id}": {
    stale: STEP_UP,
    access: "session",
    success: 200,
    id: "ownPasskey",
    fresh: true,
    json: { name: "Laptop" },
  },
  "DELETE /v1/auth/me/passkeys/{id}": {
    stale: STEP_UP,
    access: "session",
    success: 204,
    id: "ownPasskey",
    fresh: true,
  },
};

async function totpToConfirm({ app, who: { accessToken: token } }: At) {
  const { body } = await app.call("POST /v1/auth/me/totp", { token });
  return { code: totpCode(body.secret) };
}

/** There is one to remove, or to have codes for. */
async function withTotp(at: At): Promise<void> {
  const json = await totpToConfirm(at);
  await must(at.app, 200, "POST /v1/auth/me/totp/confirm", at.who.accessToken, json);
}
