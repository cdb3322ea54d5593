/** What becomes of somebody whom a tenant has made, when they prove their address: an account of the shared pool. */
import { describe, expect, test } from "bun:test";
import type { ReceivedMail } from "../../../src/mail/transport.ts";
import { createKey, use } from "../../api-keys/keys.ts";
import {
  type Account,
  logIn,
  PASSWORD,
  randomName,
  registerOwner,
  testApp,
} from "../../support/app.ts";
import { enrolTotp } from "../../support/factors.ts";
import {
  auditOf,
  followLink,
  NEW_PASSWORD,
  passwordLogin,
  replaceAddress,
  reset,
  tokenIn,
  verify,
} from "../mails/mails.ts";
import { prove } from "./proofs.ts";

const app = testApp();

/** A user whom the people of a tenant make, with a password that they know. */
async function said(owner: Account, email: string): Promise<string> {
  const json = { email, password: PASSWORD, roles: ["member"] };
  const { status, body } = await app.call("POST /v1/users", { token: owner.accessToken, json });
  expect(status).toBe(201);
  return body.id;
}

/** The token of the newest link to this page, whatever other mails there are. */
async function tokenFor(page: string, email: string): Promise<string> {
  const isIt = ({ to, text }: ReceivedMail) => to === email && text.includes(`/${page}#token=`);
  const mail = (await app.mail()).findLast(isIt);
  if (!mail) throw new Error(`no mail with a link to ${page}`);
  return tokenIn(mail);
}

/** The token of a link that the tenant has sent to its user. */
async function linkOf(owner: Account, id: string, email: string): Promise<string> {
  const { status } = await app.as(owner, `POST /v1/users/${id}/reset-password`);
  expect(status).toBe(202);
  return tokenFor("reset-password", email);
}

/** A link to log in with, for the user of the tenant that is named. */
async function magicLinkOf({ slug: tenant }: { slug: string }, email: string): Promise<string> {
  await app.call("POST /v1/auth/magic-link", { json: { email, tenant } });
  return tokenFor("magic-link", email);
}

/** Proves the address within a session, by the mail that is asked for there. */
async function proveIn(session: Account, email: string): Promise<void> {
  await app.as(session, "POST /v1/auth/me/email/verification");
  expect(await prove(app, session, { token: await tokenFor("verify-email", email) })).toBe(204);
}

async function proved() {
  const person = await registerOwner(app);
  await verify(app, person);
  return person;
}

const accountOf = async (id: string) =>
  (await app.deps.db.user.findUniqueOrThrow({ where: { id }, include: { account: true } })).account;

const inTenant = ({ slug: tenant }: { slug: string }, email: string, password = PASSWORD) =>
  app.call("POST /v1/auth/login", { json: { email, password, tenant } });

const lives = async ({ accessToken: token }: { accessToken: string }) =>
  (await app.call("GET /v1/auth/me", { token })).status;

const fresh = () => `${randomName()}@settles.example`;

describe("somebody without an account elsewhere", () => {
  test("gets one of the shared pool by the first proof, with the same id", async () => {
    const owner = await registerOwner(app);
    const email = fresh();
    const id = await said(owner, email);
    expect(await accountOf(id)).toMatchObject({ id, poolId: owner.tenantId });
    expect((await reset(app, await linkOf(owner, id, email))).status).toBe(204);
    expect(await accountOf(id)).toMatchObject({ id, poolId: null, email });
    expect((await logIn(app, email, NEW_PASSWORD)).id).toBe(id);
    const [settled, ...more] = await auditOf(app, "user.settled", id);
    expect([settled?.tenantId, settled?.details, more]).toEqual([null, { joined: false }, []]);
  });

  test("keeps the session within which the address is proved", async () => {
    const owner = await registerOwner(app);
    const email = fresh();
    const id = await said(owner, email);
    const member = await logIn(app, email);
    await proveIn(member, email);
    expect(await accountOf(id)).toMatchObject({ id, poolId: null, passwordHash: null });
    expect(await lives(member)).toBe(200);
  });
});

describe("somebody with an account elsewhere", () => {
  test("is a user of that by a link to log in, and what the tenant has set opens nothing", async () => {
    const [owner, person] = [await registerOwner(app), await proved()];
    const id = await said(owner, person.email);
    const before = (await inTenant(owner, person.email)).body;
    expect(before.user.id).toBe(id);
    const token = await magicLinkOf(owner, person.email);
    const { status } = await followLink(app, { token });
    expect(status).toBe(200);
    expect(await accountOf(id)).toMatchObject({ id: person.id, poolId: null });
    expect(await app.deps.db.account.count({ where: { id } })).toBe(0);
    expect(await lives(before)).toBe(401);
    // The person's own password is another one than the tenant's by name alone: both tests use one. So it is changed.
    const json = { currentPassword: PASSWORD, newPassword: NEW_PASSWORD };
    expect((await app.as(person, "POST /v1/auth/change-password", json)).status).toBe(204);
    expect((await inTenant(owner, person.email)).status).toBe(401);
    expect((await inTenant(owner, person.email, NEW_PASSWORD)).body.user?.id).toBe(id);
    const [settled] = await auditOf(app, "user.settled", id);
    expect([settled?.tenantId, settled?.details]).toEqual([null, { joined: true }]);
  });

  test("sets the password of that by a link of the tenant, and keeps its second factor", async () => {
    const [owner, person] = [await registerOwner(app), await proved()];
    await enrolTotp(app, person);
    const id = await said(owner, person.email);
    expect((await reset(app, await linkOf(owner, id, person.email))).status).toBe(204);
    expect(await accountOf(id)).toMatchObject({ id: person.id });
    expect(await lives(person)).toBe(401);
    const json = { email: person.email, password: NEW_PASSWORD };
    const { status, body } = await app.call("POST /v1/auth/login", { json });
    expect([status, body.mfaRequired]).toEqual([200, true]);
    // Before it is used the link has changed nothing: neither here nor there.
    expect(await passwordLogin(app, person.email)).toBe(401);
  });

  test("is told so by the end of the session in which the address is proved", async () => {
    const [owner, person] = [await registerOwner(app), await proved()];
    const id = await said(owner, person.email);
    const member = (await inTenant(owner, person.email)).body;
    await proveIn(member, person.email);
    expect(await accountOf(id)).toMatchObject({ id: person.id });
    expect([await lives(member), await lives(person)]).toEqual([401, 200]);
    // What the shared account's other tenants read of it is nothing: nothing has happened to it.
    for (const action of ["user.email_verified", "user.unproved_discarded"])
      expect([action, (await auditOf(app, action, id)).map(({ tenantId }) => tenantId)]).toEqual([
        action,
        [owner.tenantId],
      ]);
    expect(await auditOf(app, "user.email_verified", person.id)).toHaveLength(1);
  });

  test("is a user of that by a new address that the tenant has asked for", async () => {
    const [owner, person] = [await registerOwner(app), await proved()];
    const id = await said(owner, fresh());
    await replaceAddress(app, owner, { id }, person.email);
    expect(await accountOf(id)).toMatchObject({ id: person.id, email: person.email });
    expect(await lives(person)).toBe(200);
  });

  test("looks to the tenant like anybody else", async () => {
    const [owner, person] = [await registerOwner(app), await proved()];
    const longAgo = new Date(Date.now() - 86_400_000);
    await app.deps.db.account.update({
      where: { id: person.id },
      data: { emailVerifiedAt: longAgo },
    });
    const seen = [];
    for (const email of [fresh(), person.email]) {
      const id = await said(owner, email);
      await followLink(app, { token: await magicLinkOf(owner, email) });
      const { body } = await app.as(owner, `GET /v1/users/${id}`);
      expect(body.emailVerifiedAt >= body.createdAt).toBe(true);
      const rows = await app.deps.db.auditLog.findMany({
        where: { tenantId: owner.tenantId, OR: [{ resourceId: id }, { actorId: id }] },
        orderBy: { id: "asc" },
      });
      const times = { createdAt: "", updatedAt: "", lastLoginAt: "", emailVerifiedAt: "" };
      seen.push([
        { ...body, ...times, id: "", email: "" },
        rows.map(({ action, details }) => [action, details]),
      ]);
    }
    expect(seen[1]).toEqual(seen[0] ?? []);
  });
});

test("who proves the address in several tenants at once has one account", async () => {
  const email = fresh();
  const owners = await Promise.all([1, 2, 3, 4].map(() => registerOwner(app)));
  const links: { id: string; token: string }[] = [];
  for (const owner of owners)
    links.push({ id: await said(owner, email), token: await magicLinkOf(owner, email) });
  const answers = await Promise.all(links.map(({ token }) => followLink(app, { token })));
  expect(answers.map(({ status }) => status)).toEqual([200, 200, 200, 200]);
  const accounts = await app.deps.db.account.findMany({
    where: { email },
    include: { users: { select: { id: true }, orderBy: { id: "asc" } } },
  });
  expect(accounts.map(({ poolId, users }) => [poolId, users])).toEqual([
    [null, links.map(({ id }) => ({ id })).sort((a, b) => (a.id < b.id ? -1 : 1))],
  ]);
});

test("a stranger who had registered the address keeps nothing, and their tenant is the person's", async () => {
  const [owner, stranger] = [await registerOwner(app), await registerOwner(app)];
  const key = await createKey(app, stranger);
  const id = await said(owner, stranger.email);
  const token = await magicLinkOf(owner, stranger.email);
  expect((await followLink(app, { token })).status).toBe(200);
  expect(await accountOf(id)).toMatchObject({ id, poolId: null });
  expect(await accountOf(stranger.id)).toMatchObject({ id });
  expect([await lives(stranger), await use(app, key)]).toEqual([401, 401]);
  expect(await passwordLogin(app, stranger.email)).toBe(401);
});

describe("EMAIL_SCOPE=tenant", () => {
  const isolated = testApp({ EMAIL_SCOPE: "tenant" });

  test("an account stays in its tenant's pool, and its password with it", async () => {
    const owner = await registerOwner(isolated);
    const email = fresh();
    const made = await isolated.as(owner, "POST /v1/users", { email, password: PASSWORD });
    await isolated.call("POST /v1/auth/magic-link", { json: { email, tenant: owner.slug } });
    const token = tokenIn(await isolated.lastMailTo(email));
    expect((await followLink(isolated, { token })).status).toBe(200);
    const account = await isolated.deps.db.account.findUniqueOrThrow({
      where: { id: made.body.id },
    });
    expect([account.poolId, account.passwordHash === null]).toEqual([owner.tenantId, false]);
    expect(await auditOf(isolated, "user.settled", made.body.id)).toEqual([]);
  });
});
