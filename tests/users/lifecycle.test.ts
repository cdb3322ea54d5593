/** Users from creation to deletion and back: addresses, status, sessions, profiles. */
import { beforeAll, expect, test } from "bun:test";
import { NEW_PASSWORD, passwordLogin } from "../auth/mails/mails.ts";
import {
  type Account,
  createMember,
  createSuperAdmin,
  logIn,
  PASSWORD,
  randomName,
  registerOwner,
  testApp,
} from "../support/app.ts";

const app = testApp();
let owner: Account & { tenantId: string };
beforeAll(async () => {
  owner = await registerOwner(app);
});

const address = () => `${randomName()}@x.example`;
const call = (route: string, json?: unknown) =>
  app.call(route, { token: owner.accessToken, ...(json !== undefined && { json }) });
const create = (json: Record<string, unknown>) => call("POST /v1/users", json);
const isRefused = async ({ accessToken }: Account) =>
  (await app.call("GET /v1/auth/me", { token: accessToken })).status === 401;

test("of many creations of one address at once exactly one succeeds, whatever its case", async () => {
  const email = address();
  const variants = Array.from({ length: 12 }, (_, n) => (n % 2 ? email : email.toUpperCase()));
  const answers = await Promise.all(variants.map((variant) => create({ email: variant })));
  expect(answers.filter(({ status }) => status === 201)).toHaveLength(1);
  expect(
    answers.filter(({ status, body }) => status === 409 && body.code === "email_taken"),
  ).toHaveLength(11);
});

test("R61: an address has one account across tenants, and a platform account is not told whose", async () => {
  const stranger = await registerOwner(app);
  const { email } = stranger;
  const token = (await createSuperAdmin(app)).accessToken;
  for (const where of [{ tenantId: owner.tenantId }, { roles: ["super_admin"] }]) {
    const answer = await app.call("POST /v1/users", { token, json: { email, ...where } });
    expect(answer).toMatchObject({ status: 409, body: { code: "email_taken" } });
    expect(JSON.stringify(answer.body)).not.toContain(stranger.tenantId);
  }
  // A tenant is not told even that (tests/attacks/enumeration.test.ts); the account stays the only one.
  expect((await create({ email, password: NEW_PASSWORD })).status).toBe(201);
  expect(await passwordLogin(app, email, NEW_PASSWORD)).toBe(401);
  expect((await logIn(app, email)).id).toBe(stranger.id);
});

test("changing to a taken address is 409 and changes nothing", async () => {
  const [member, other] = [await createMember(app, owner), await createMember(app, owner)];
  const answer = await call(`PATCH /v1/users/${member.id}`, {
    email: other.email.toUpperCase(),
    firstName: "Changed",
  });
  expect(answer).toMatchObject({ status: 409, body: { code: "email_taken" } });
  expect((await call(`GET /v1/users/${member.id}`)).body).toMatchObject({
    email: member.email,
    firstName: null,
    version: 1,
  });
});

test("a new address waits for its proof; the old one with its proof stays until then", async () => {
  const member = await createMember(app, owner);
  await app.deps.db.account.update({
    where: { id: member.id },
    data: { emailVerifiedAt: new Date(0) },
  });
  const patch = (json: unknown) => call(`PATCH /v1/users/${member.id}`, json);
  const proved = { email: member.email, emailVerifiedAt: "1970-01-01T00:00:00.000Z" };
  expect((await patch({ lastName: "Lovelace" })).body).toMatchObject(proved);
  expect((await patch({ email: member.email.toUpperCase() })).body).toMatchObject(proved);
  const email = address();
  expect((await patch({ email })).body).toMatchObject({
    ...proved,
    pendingEmail: email,
    lastName: "Lovelace",
  });
  expect((await logIn(app, member.email)).id).toBe(member.id);
});

test("each change counts the version up and says when; names can be taken away", async () => {
  const { body: made } = await create({ email: address(), firstName: "A", lastName: "B" });
  const { body } = await call(`PATCH /v1/users/${made.id}`, { firstName: null, lastName: null });
  expect(body).toMatchObject({
    firstName: null,
    lastName: null,
    version: 2,
    createdAt: made.createdAt,
  });
  expect(Date.parse(body.updatedAt)).toBeGreaterThan(Date.parse(made.updatedAt));
});

test("R36: disabling ends the sessions at once and refuses a new one; enabling lets the user log in again", async () => {
  const member = await createMember(app, owner);
  expect((await call(`PATCH /v1/users/${member.id}`, { status: "disabled" })).body.status).toBe(
    "disabled",
  );
  expect(await isRefused(member)).toBe(true);
  expect(
    (await app.call("POST /v1/auth/refresh", { json: { refreshToken: member.refreshToken } }))
      .status,
  ).toBe(401);
  expect(
    (await app.call("POST /v1/auth/login", { json: { email: member.email, password: PASSWORD } }))
      .status,
  ).toBe(401);

  expect((await call(`PATCH /v1/users/${member.id}`, { status: "active" })).status).toBe(200);
  expect(await isRefused(member)).toBe(true);
  expect(await isRefused(await logIn(app, member.email))).toBe(false);
});

test("R36: deleting ends the sessions at once, and the user is gone for everybody", async () => {
  const member = await createMember(app, owner);
  expect(await call(`DELETE /v1/users/${member.id}`)).toMatchObject({ status: 204, body: "" });
  expect(await isRefused(member)).toBe(true);
  expect(
    (await app.call("POST /v1/auth/login", { json: { email: member.email, password: PASSWORD } }))
      .status,
  ).toBe(401);
  for (const route of ["GET /v1/users/:id", "DELETE /v1/users/:id", "GET /v1/users/:id/profile"]) {
    expect((await call(route.replace(":id", member.id))).status).toBe(404);
  }
  expect((await call(`PATCH /v1/users/${member.id}`, { firstName: "A" })).status).toBe(404);
  expect((await call(`PATCH /v1/users/${member.id}/profile`, { language: "de" })).status).toBe(404);
});

test("deletion frees the address; restoring is 409 while it has a new owner, and works after that", async () => {
  const member = await createMember(app, owner);
  const restore = () => call(`POST /v1/users/${member.id}/restore`);
  expect((await restore()).status).toBe(404);
  await call(`DELETE /v1/users/${member.id}`);
  const heir = await create({ email: member.email });
  expect(heir.status).toBe(201);

  expect(await restore()).toMatchObject({ status: 409, body: { code: "email_taken" } });
  expect((await call(`GET /v1/users/${member.id}`)).status).toBe(404);
  await call(`DELETE /v1/users/${heir.body.id}`);
  expect(await restore()).toMatchObject({
    status: 200,
    body: { id: member.id, roles: ["member"], status: "active" },
  });
  expect(await isRefused(member)).toBe(true);
  expect((await logIn(app, member.email)).id).toBe(member.id);
});

test("a user without a password cannot log in", async () => {
  const { body } = await create({ email: address() });
  for (const password of ["", "null", PASSWORD]) {
    const { status } = await app.call("POST /v1/auth/login", {
      json: { email: body.email, password },
    });
    expect([401, 422]).toContain(status);
  }
});
