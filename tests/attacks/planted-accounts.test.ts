/**
 * R69: the owner of a tenant makes somebody else's account, with a password that they know, and waits for the person to
 * take it along to where it is worth something.
 */
import { beforeAll, describe, expect, test } from "bun:test";
import { createKey, use } from "../api-keys/keys.ts";
import {
  auditOf,
  followLink,
  magicLink,
  NEW_PASSWORD,
  passwordLogin,
  reset,
  resetToken,
  startChange,
  tokenIn,
} from "../auth/mails/mails.ts";
import { VECTORS } from "../crypto/imported-hashes.ts";
import { invited, join } from "../invitations/invitations.ts";
import {
  type Account,
  logIn,
  PASSWORD,
  randomName,
  registerOwner,
  testApp,
} from "../support/app.ts";
import type { Authenticator } from "../support/authenticator.ts";
import { enrolPasskey, enrolTotp } from "../support/factors.ts";
import { lines, NDJSON, sendImport } from "../users/imports.ts";

const app = testApp();
let mallory: Account;
let bank: Account & { tenantId: string };
beforeAll(async () => {
  [mallory, bank] = await Promise.all([registerOwner(app), registerOwner(app)]);
});

const HASH = VECTORS["bcrypt 2b"];
const newAddress = () => `vera@${randomName()}.example`;
const post = (token: string, path: string, json: object) =>
  app.call(`POST ${path}`, { token, json });

/** The ways in which a tenant makes an account with a password that it knows. */
const PLANTS: Record<string, (email: string) => Promise<unknown>> = {
  "an import with a hash and emailVerified": (email) =>
    sendImport(
      app,
      mallory,
      lines({ email, roles: ["admin"], passwordHash: HASH, emailVerified: true }),
      { type: NDJSON },
    ),
  "a creation with a password": (email) =>
    post(mallory.accessToken, "/v1/users", { email, roles: ["admin"], password: PASSWORD }),
  "a creation with a hash": (email) =>
    post(mallory.accessToken, "/v1/users", { email, roles: ["admin"], passwordHash: HASH }),
  "creations in bulk": (email) =>
    post(mallory.accessToken, "/v1/users/bulk", {
      operation: "create",
      items: [{ email, roles: ["admin"], password: PASSWORD }],
    }),
};
const IMPORT = Object.keys(PLANTS)[0] ?? "";

async function plant(how: string): Promise<{ id: string; email: string }> {
  const email = newAddress();
  await PLANTS[how]?.(email);
  const { id } = await app.deps.db.user.findFirstOrThrow({ where: { email } });
  return { id, email };
}

type Foothold = {
  account: Account;
  keys: { id: string; key: string; prefix: string }[];
  authenticator: Authenticator | null;
  mfaToken: string;
};

/** What whoever knows the password leaves behind: every way back in that there is. */
async function takeHold({ id, email }: { id: string; email: string }, withFactors: boolean) {
  const account = await logIn(app, email);
  const keys = [await createKey(app, account), await createKey(app, mallory, { userId: id })];
  for (const key of keys) expect(await use(app, key)).toBe(200);
  const hold: Foothold = { account, keys, authenticator: null, mfaToken: "none" };
  if (!withFactors) return hold;
  hold.authenticator = (await enrolPasskey(app, account)).authenticator;
  await enrolTotp(app, account);
  const { body } = await app.call("POST /v1/auth/login", { json: { email, password: PASSWORD } });
  return { ...hold, mfaToken: String(body.mfaToken) };
}

async function expectNoWayBack({ account, keys, authenticator, mfaToken }: Foothold) {
  const { id, accessToken: token, refreshToken } = account;
  const { email } = await app.deps.db.user.findUniqueOrThrow({ where: { id } });
  for (const password of [PASSWORD, NEW_PASSWORD])
    expect([password, await passwordLogin(app, email, password)]).toEqual([password, 401]);
  expect((await app.call("GET /v1/auth/me", { token })).status).toBe(401);
  expect((await app.call("POST /v1/auth/refresh", { json: { refreshToken } })).status).toBe(401);
  for (const key of keys) expect(await use(app, key)).toBe(401);
  if (authenticator) {
    const response = authenticator.assert((await app.call("POST /v1/auth/passkey/options")).body);
    const { status } = await app.call("POST /v1/auth/passkey/login", { json: { response } });
    expect(status).toBe(401);
  }
  const mfa = { mfaToken, method: "recovery_code", code: "x" };
  expect((await app.call("POST /v1/auth/mfa/verify", { json: mfa })).body.code).toBe(
    "invalid_mfa_token",
  );
  const rows = { where: { accountId: id } };
  expect([
    await app.deps.db.totpFactor.count(rows),
    await app.deps.db.passkey.count(rows),
    await app.deps.db.recoveryCode.count(rows),
  ]).toEqual([0, 0, 0]);
}

/** Vera's token for her account, by one of the ways of a person who reads her mail. */
type Way = { withFactors: boolean; comes(email: string): Promise<string> };

async function verifyWithin(token: string, email: string): Promise<string> {
  await app.call("POST /v1/auth/me/email/verification", { token });
  const json = { token: tokenIn(await app.lastMailTo(email)) };
  expect((await post(token, "/v1/auth/me/email/verify", json)).status).toBe(204);
  return token;
}

const WAYS: Record<string, Way> = {
  "a mailed link": {
    withFactors: true,
    async comes(email) {
      const { token } = await magicLink(app, email);
      return (await followLink(app, { token })).body.accessToken;
    },
  },
  "a mailed code": {
    withFactors: true,
    async comes(email) {
      const { challengeId, code } = await magicLink(app, email);
      return (await followLink(app, { challengeId, code })).body.accessToken;
    },
  },
  "a reset": {
    withFactors: true,
    async comes(email) {
      await reset(app, await resetToken(app, email), "what Vera alone has chosen");
      const { accessToken } = await logIn(app, email, "what Vera alone has chosen");
      // The notices of it, before the mail that is looked for.
      await app.mail();
      return accessToken;
    },
  },
  "the password that she was given, and a proof within the session": {
    withFactors: false,
    async comes(email) {
      return verifyWithin((await logIn(app, email)).accessToken, email);
    },
  },
};

async function joinBank(token: string, email: string): Promise<void> {
  const invitation = await invited(app, bank, { email, roles: ["admin"] });
  expect((await join(app, { ...bank, accessToken: token }, invitation.token)).status).toBe(200);
  const users = await app.deps.db.user.count({ where: { email, tenantId: bank.tenantId } });
  expect(users).toBe(1);
}

describe("R69: what a tenant has set goes with the person's first proof, and gets nobody in where they join", () => {
  for (const [name, { withFactors, comes }] of Object.entries(WAYS)) {
    // Each plant with one way of each kind: they part ways no sooner than at the password's origin.
    const plants =
      name.startsWith("a mailed c") || name === "a reset" ? [IMPORT] : Object.keys(PLANTS);
    for (const how of plants) {
      test(`planted by ${how}; proved by ${name}`, async () => {
        const vera = await plant(how);
        const hold = await takeHold(vera, withFactors);
        const token = await comes(vera.email);
        await expectNoWayBack(hold);
        expect((await app.call("GET /v1/auth/me", { token })).status).toBe(200);
        expect(await auditOf(app, "user.unproved_discarded", vera.id)).toHaveLength(1);
        await joinBank(token, vera.email);
        await expectNoWayBack(hold);
      });
    }
  }

  test("proved by the invitation alone, in a session of the password that she was given", async () => {
    const vera = await plant(IMPORT);
    const hold = await takeHold(vera, false);
    await joinBank((await logIn(app, vera.email)).accessToken, vera.email);
    await expectNoWayBack(hold);
  });

  test("proved by a change of the address", async () => {
    const vera = await plant(IMPORT);
    const hold = await takeHold(vera, false);
    const veras = await logIn(app, vera.email);
    const { token } = await startChange(app, veras);
    await post(veras.accessToken, "/v1/auth/me/email/verify", { token });
    await expectNoWayBack(hold);
  });

  test("a password made of the tenant's within a session is no more the person's own", async () => {
    const vera = await plant(IMPORT);
    const hold = await takeHold(vera, false);
    const change = { currentPassword: PASSWORD, newPassword: NEW_PASSWORD };
    await post(hold.account.accessToken, "/v1/auth/change-password", change);
    // And the new one is what Vera is told.
    const { accessToken } = await logIn(app, vera.email, NEW_PASSWORD);
    await verifyWithin(accessToken, vera.email);
    await expectNoWayBack(hold);
  });

  test("a link that was asked for before, and a change that was begun, end too", async () => {
    const vera = await plant(IMPORT);
    const hold = await takeHold(vera, false);
    const token = await resetToken(app, vera.email);
    const change = await startChange(app, hold.account);
    await followLink(app, { token: (await magicLink(app, vera.email)).token });
    expect((await reset(app, token)).status).toBe(400);
    const open = { userId: vera.id, usedAt: null };
    expect([change.email, await app.deps.db.oneTimeToken.count({ where: open })]).toEqual([
      change.email,
      0,
    ]);
  });

  test("an address that an older import proved does not take the password along either", async () => {
    const vera = await plant(IMPORT);
    await app.deps.db.account.update({
      where: { id: vera.id },
      data: { emailVerifiedAt: new Date() },
    });
    const hold = await takeHold(vera, false);
    const { token } = await magicLink(app, vera.email);
    await joinBank((await followLink(app, { token })).body.accessToken, vera.email);
    await expectNoWayBack(hold);
  });
});

test("R69: where addresses are proved first a tenant proves none, by no route", async () => {
  app.deps.config.emailVerification = "required";
  try {
    for (const how of Object.keys(PLANTS)) {
      const vera = await plant(how);
      expect([how, await passwordLogin(app, vera.email)]).toEqual([how, 401]);
      // The right password has sent her a way in that proves the address.
      const token = tokenIn(await app.lastMailTo(vera.email));
      await joinBank((await followLink(app, { token })).body.accessToken, vera.email);
      expect([how, await passwordLogin(app, vera.email)]).toEqual([how, 401]);
    }
  } finally {
    app.deps.config.emailVerification = "optional";
  }
});
