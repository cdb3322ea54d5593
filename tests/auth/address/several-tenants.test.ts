/** An account with users in several tenants: what it does in the name of one holds for all, once. */
import { beforeEach, describe, expect, test } from "bun:test";
import { newId } from "../../../src/db/id.ts";
import { SYSTEM_ROLES } from "../../../src/roles/permissions.ts";
import { type Account, PASSWORD, randomName, registerOwner, testApp } from "../../support/app.ts";
import { auditOf, mailsTo, NEW_PASSWORD, startChange, tokenIn, verify } from "../mails/mails.ts";
import { prove } from "./proofs.ts";

const app = testApp();
type Owner = Account & { tenantId: string; slug: string };
let person: Owner;
let other: Owner;
/** The person's user in the other tenant. */
let member: string;

beforeEach(async () => {
  [person, other] = [await registerOwner(app), await registerOwner(app)];
  member = newId();
  await app.deps.db.user.create({
    data: {
      id: member,
      tenantId: other.tenantId,
      accountId: person.id,
      email: person.email,
      roles: { create: { roleId: SYSTEM_ROLES.member, tenantId: other.tenantId } },
    },
  });
});

async function logInTo({ slug: tenant }: Owner, email = person.email) {
  const json = { email, password: PASSWORD, tenant };
  const { status, body } = await app.call("POST /v1/auth/login", { json });
  expect(status).toBe(200);
  return { ...body, email } as Account;
}

const lives = async ({ accessToken: token }: Pick<Account, "accessToken">) =>
  (await app.call("GET /v1/auth/me", { token })).status;

const addressesOf = async () =>
  (
    await app.deps.db.user.findMany({ where: { accountId: person.id }, orderBy: { id: "asc" } })
  ).map(({ email, pendingEmail, emailVerifiedAt }) => [
    email,
    pendingEmail,
    emailVerifiedAt !== null,
  ]);

test("a new password ends the sessions in the other tenant too, and is told of once", async () => {
  await verify(app, person);
  const elsewhere = await logInTo(other);
  const before = await mailsTo(app, person.email);
  const json = { currentPassword: PASSWORD, newPassword: NEW_PASSWORD };
  expect((await app.as(person, "POST /v1/auth/change-password", json)).status).toBe(204);
  expect([await lives(person), await lives(elsewhere)]).toEqual([200, 401]);
  expect(await mailsTo(app, person.email)).toBe(before + 1);
  const [own] = await auditOf(app, "user.password_changed", member);
  expect(own).toMatchObject({
    tenantId: other.tenantId,
    actorId: member,
    details: {},
    ip: null,
    userAgent: null,
    sessionId: null,
    requestId: null,
  });
});

test("a link that was asked for in one tenant proves the address in the other, and so in both", async () => {
  const elsewhere = await logInTo(other);
  await app.as(person, "POST /v1/auth/me/email/verification");
  const token = tokenIn(await app.lastMailTo(person.email));
  expect(await prove(app, elsewhere, { token })).toBe(204);
  expect(await addressesOf()).toEqual([
    [person.email, null, true],
    [person.email, null, true],
  ]);
});

describe("a new address", () => {
  test("waits and counts in both, whatever domains the other tenant lets in", async () => {
    await verify(app, person);
    const settings = { allowedEmailDomains: ["elsewhere.example"] };
    const asked = await app.as(other, `PATCH /v1/tenants/${other.tenantId}`, { settings });
    expect(asked.status).toBe(200);
    const { email, token } = await startChange(app, person);
    expect((await addressesOf()).map(([, pending]) => pending)).toEqual([email, email]);
    expect(await prove(app, person, { token })).toBe(204);
    expect(await addressesOf()).toEqual([
      [email, null, true],
      [email, null, true],
    ]);
    // For the entity tags of both tenants.
    const { version } = await app.deps.db.user.findUniqueOrThrow({ where: { id: member } });
    expect(version).toBe(2);
    const refused = await app.as(await logInTo(other, email), "POST /v1/auth/me/email", {
      email: `${randomName()}@new.example`,
    });
    expect([refused.status, refused.body.errors?.[0]?.path]).toEqual([422, "email"]);
  });

  test("of somebody whom the other tenant has added by it takes the place of that", async () => {
    await verify(app, person);
    const email = `${randomName()}@said.example`;
    const made = await app.as(other, "POST /v1/users", { email });
    const { token } = await startChange(app, person, email);
    expect(await prove(app, person, { token })).toBe(204);
    const said = await app.deps.db.user.findUniqueOrThrow({ where: { id: made.body.id } });
    expect([said.isDeleted, (await addressesOf()).map(([address]) => address)]).toEqual([
      true,
      [email, email],
    ]);
  });
});

test("a mailbox gets no more mails an hour, however many tenants have added its address", async () => {
  const email = `${randomName()}@flooded.example`;
  for (let n = 0; n < 3; n++) {
    const owner = await registerOwner(app);
    await app.as(owner, "POST /v1/users", { email });
    for (let m = 0; m < 3; m++)
      await app.call("POST /v1/auth/forgot-password", { json: { email, tenant: owner.slug } });
  }
  expect(await mailsTo(app, email)).toBe(5);
});
