/** R68: an address counts once it is proved, and "never proved" is not "to be proved again". */
import { beforeAll, describe, expect, test } from "bun:test";
import { createKey } from "../api-keys/keys.ts";
import {
  auditOf,
  mailsTo,
  NEW_PASSWORD,
  passwordLogin,
  reset,
  resetToken,
  tokenIn,
} from "../auth/mails/mails.ts";
import {
  type Account,
  createMember,
  createSuperAdmin,
  logIn,
  PASSWORD,
  proveAddress,
  randomName,
  registerOwner,
  testApp,
} from "../support/app.ts";
import { enrolPasskey, enrolTotp } from "../support/factors.ts";
import { ageLogIn } from "../support/stale.ts";
import { change, follow, IN_SESSION, INVALID, newAddress, rowOf } from "./addresses.ts";

const app = testApp();
let owner: Account & { tenantId: string };
beforeAll(async () => {
  owner = await registerOwner(app);
});

/**
 * A user who has proved the address that they have, with a password of their own, and whose account is in the tenant's own
 * pool: there its people may change the address.
 */
async function proved(roles?: string[]): Promise<Account> {
  const account = await createMember(app, owner, roles);
  await proveAddress(app, account);
  await app.deps.db.account.update({
    where: { id: account.id },
    data: { poolId: owner.tenantId },
  });
  return account;
}

test("R77: of a shared account a tenant's people change no address, and nobody hears that they tried", async () => {
  const account = await createMember(app, owner);
  await proveAddress(app, account);
  const email = newAddress();
  const { status, body } = await change(app, owner.accessToken, account, email);
  expect([status, body.code]).toEqual([403, "shared_account"]);
  expect((await rowOf(app, account)).pendingEmail).toBeNull();
  expect(await mailsTo(app, email)).toBe(0);
  // Whoever sends back what they were given changes nothing.
  expect((await change(app, owner.accessToken, account, account.email)).status).toBe(200);
});

test("R68: until a new address is proved the old one logs in and gets the mail", async () => {
  const account = await proved();
  const email = newAddress();
  const { status, body } = await change(app, owner.accessToken, account, email);
  expect([status, body.email, body.pendingEmail]).toEqual([200, account.email, email]);
  expect(body.emailVerifiedAt).toBeString();
  expect(await passwordLogin(app, email)).toBe(401);
  expect(await passwordLogin(app, account.email)).toBe(200);
  const before = await mailsTo(app, email);
  await app.call("POST /v1/auth/forgot-password", { json: { email } });
  expect(await mailsTo(app, email)).toBe(before);
  // Whoever may have asked for it: the old address still gets the way back in.
  expect((await reset(app, await resetToken(app, account.email))).status).toBe(204);
});

test("R68: many at once too, and nothing of it is written as the address", async () => {
  const [one, two] = [await createMember(app, owner), await createMember(app, owner)];
  const items = [one, two].map(({ id }) => ({ id, email: newAddress() }));
  const { body } = await app.call("POST /v1/users/bulk", {
    token: owner.accessToken,
    json: { operation: "update", items, atomic: true },
  });
  expect(body.succeeded).toBe(2);
  for (const [index, account] of [one, two].entries()) {
    const { email, pendingEmail } = await rowOf(app, account);
    expect([email, pendingEmail]).toEqual([account.email, items[index]?.email ?? ""]);
    expect((await app.lastMailTo(items[index]?.email ?? "")).subject).toBe(
      "Confirm your new e-mail address",
    );
  }
});

/** What a person has set up, who has proved the address that they have; `shared` by all tenants, or in the tenant's pool. */
async function settled({ shared = false } = {}) {
  const account = await proved();
  if (shared)
    await app.deps.db.account.update({ where: { id: account.id }, data: { poolId: null } });
  const key = await createKey(app, account);
  await enrolTotp(app, account);
  await enrolPasskey(app, account);
  return { account, key, hash: (await rowOf(app, account)).passwordHash };
}

async function expectKept(
  { account, key, hash }: Awaited<ReturnType<typeof settled>>,
  email: string,
) {
  expect(await rowOf(app, account)).toMatchObject({
    email,
    pendingEmail: null,
    passwordHash: hash,
    emailVerifiedAt: expect.any(Date),
  });
  const { db } = app.deps;
  const where = { accountId: account.id };
  expect([await db.totpFactor.count({ where }), await db.passkey.count({ where })]).toEqual([1, 1]);
  expect((await app.call("GET /v1/users?limit=1", { token: key.key })).status).toBe(200);
  expect((await app.lastMailTo(account.email)).subject).toBe("Your e-mail address was changed");
  expect(await auditOf(app, "user.email_changed", account.id)).toHaveLength(1);
  expect(await auditOf(app, "user.unproved_discarded", account.id)).toEqual([]);
  const again = await app.call("POST /v1/auth/login", { json: { email, password: PASSWORD } });
  expect(again.body.mfaRequired).toBe(true);
}

test("R68: the link alone completes what a platform account began in person; the account keeps what it had", async () => {
  const person = await settled({ shared: true });
  const { account } = person;
  const email = newAddress();
  await change(app, (await createSuperAdmin(app)).accessToken, account, email);
  const mail = await app.lastMailTo(email);
  expect(mail.text).toContain("7 days");
  expect(mail.text).not.toMatch(/^\d{6}$/m);
  expect(await follow(app, tokenIn(mail))).toEqual([204]);
  // Every session ends: nobody has shown that theirs is the account's.
  const { accessToken: token } = account;
  expect((await app.call("GET /v1/auth/me", { token })).status).toBe(401);
  await expectKept(person, email);
  expect(await follow(app, tokenIn(mail))).toEqual(INVALID);
});

test("R68, R69: what a tenant's administrator began is completed within a session, where an address was proved before", async () => {
  const person = await settled();
  const { account } = person;
  const email = newAddress();
  await change(app, owner.accessToken, account, email);
  const link = tokenIn(await app.lastMailTo(email));
  // An owner could have an account of their own take the address of somebody who clicks, and keep the password.
  expect(await follow(app, link)).toEqual(INVALID);
  expect((await rowOf(app, account)).email).toBe(account.email);
  // It is not used up by that, nor by an open browser that somebody finds who has a friend among the administrators.
  const found = await ageLogIn(app, account);
  expect(await follow(app, link, IN_SESSION, found)).toEqual([401, "reauthentication_required"]);
  expect(await follow(app, link, IN_SESSION, account)).toEqual([204]);
  await expectKept(person, email);
});

test.each(["optional", "required"] as const)(
  "R68: a typing error in an address never proved is mended, and what stood before goes: %s",
  async (mode) => {
    const { config } = app.served;
    const typo = `vera@${randomName()}.exmaple`;
    const made = await app.call("POST /v1/users", {
      token: owner.accessToken,
      json: { email: typo, password: PASSWORD },
    });
    config.emailVerification = mode;
    try {
      const email = typo.replace("exmaple", "example");
      const { body } = await change(app, owner.accessToken, made.body, email);
      expect([body.email, body.pendingEmail, body.emailVerifiedAt]).toEqual([typo, email, null]);
      expect(await follow(app, tokenIn(await app.lastMailTo(email)))).toEqual([204]);
      const row = await rowOf(app, made.body);
      expect([row.email, row.passwordHash, row.emailVerifiedAt !== null]).toEqual([
        email,
        null,
        true,
      ]);
      // The mailbox of the typing error is not told where the person is.
      expect((await app.mail()).filter(({ to }) => to === typo)).toEqual([]);
      expect(await passwordLogin(app, email)).toBe(401);
      expect((await reset(app, await resetToken(app, email))).status).toBe(204);
      expect((await logIn(app, email, NEW_PASSWORD)).id).toBe(row.id);
    } finally {
      config.emailVerification = "optional";
    }
  },
);

describe("R67: a key with user:update alone does not become a session", () => {
  test("the new mailbox completes nothing by its link; the owner does, with a recent proof", async () => {
    const account = await proved();
    const clerk = await app.call("POST /v1/roles", {
      token: owner.accessToken,
      json: { name: randomName(), permissions: ["user:update", "user:read", "tenant:read"] },
    });
    const maker = await createMember(app, owner, [clerk.body.name]);
    const nobody = await proved([clerk.body.name]);
    const key = await createKey(app, maker, {
      scopes: ["user:update", "user:read", "tenant:read"],
    });
    const email = newAddress();
    for (const target of [nobody]) {
      expect((await change(app, key.key, target, email)).status).toBe(200);
      const link = tokenIn(await app.lastMailTo(email));
      expect(await follow(app, link)).toEqual(INVALID);
      await app.call("POST /v1/auth/forgot-password", { json: { email } });
      await app.call("POST /v1/auth/magic-link", { json: { email } });
      expect((await app.mail()).filter(({ to }) => to === email)).toHaveLength(1);
      expect(await follow(app, link, IN_SESSION, account)).toEqual(INVALID);
      const stale = await ageLogIn(app, await logIn(app, target.email));
      expect(await follow(app, link, IN_SESSION, stale)).toEqual([
        401,
        "reauthentication_required",
      ]);
      expect((await rowOf(app, target)).email).toBe(target.email);
      expect(await follow(app, link, IN_SESSION, target)).toEqual([204]);
      expect((await rowOf(app, target)).email).toBe(email);
    }
  });

  test("nor by sending again what an administrator has begun in person", async () => {
    const account = await createMember(app, owner);
    const key = await createKey(app, owner, {
      scopes: ["user:update", "user:read", "tenant:read"],
    });
    const email = newAddress();
    await change(app, owner.accessToken, account, email);
    await app.lastMailTo(email);
    // Their key may change only who holds no more than it does: its scopes are what it was given.
    expect((await change(app, key.key, account, email)).status).toBe(200);
    expect(await follow(app, tokenIn(await app.lastMailTo(email)))).toEqual(INVALID);
    await change(app, owner.accessToken, account, email);
    expect(await follow(app, tokenIn(await app.lastMailTo(email)))).toEqual([204]);
  });
});

test("R68: erasure and deletion leave no address that waits", async () => {
  const { accessToken: token } = owner;
  for (const route of ["DELETE", "erase"]) {
    const account = await createMember(app, owner);
    await change(app, owner.accessToken, account, newAddress());
    if (route === "erase")
      await app.call(`POST /v1/users/${account.id}/erase`, {
        token,
        json: { email: account.email },
      });
    else await app.call(`DELETE /v1/users/${account.id}`, { token });
    const row = await rowOf(app, account);
    expect([route, row.isDeleted, row.pendingEmail]).toEqual([route, true, null]);
  }
});
