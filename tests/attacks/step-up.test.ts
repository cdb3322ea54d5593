/** R67: an open browser, or a key, that somebody finds does not become the account, by whatever route. */
import { beforeAll, describe, expect, test } from "bun:test";
import { createKey, createService } from "../api-keys/keys.ts";
import { passwordLogin, reset, tokenIn } from "../auth/mails/mails.ts";
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
import { enrolTotp } from "../support/factors.ts";
import { ageLogIn } from "../support/stale.ts";
import { createMemberWith } from "../users/routes.ts";

const app = testApp();
let owner: Account & { tenantId: string };
beforeAll(async () => {
  owner = await registerOwner(app);
});

const STEP_UP = [401, "reauthentication_required"];
const NO_MACHINE = [403, "session_required"];

const evil = () => `x@${randomName()}.example`;
const rowOf = ({ id }: Account) =>
  app.deps.db.user.findUniqueOrThrow({
    where: { id },
    select: {
      email: true,
      pendingEmail: true,
      status: true,
      isDeleted: true,
      version: true,
      sessions: { where: { revokedAt: null }, select: { sessionId: true } },
      account: { select: { passwordHash: true } },
      apiKeys: { where: { revokedAt: null }, select: { id: true } },
    },
  });

async function told(route: string, token: string, json?: unknown) {
  const { status, body } = await app.call(route, {
    token,
    ...(json !== undefined && { json }),
  });
  return [status, body?.code];
}

/** Who may change users, and so themselves by the routes of users. */
const CALLERS: Record<string, () => Promise<Account>> = {
  "a member": () => createMemberWith(app, owner),
  "an owner": () => createMember(app, owner, ["owner"]),
  "a super admin": () => createSuperAdmin(app),
};

for (const [name, make] of Object.entries(CALLERS)) {
  test(`R67: a stale log-in of ${name} does not take the account over by a new address`, async () => {
    const account = await make();
    await enrolTotp(app, account);
    const before = await rowOf(account);
    const { accessToken: token } = await ageLogIn(app, account);
    const email = evil();
    for (const id of [account.id, account.id.toUpperCase()])
      expect(await told(`PATCH /v1/users/${id}`, token, { email })).toEqual(STEP_UP);
    // What came next.
    await app.call("POST /v1/auth/forgot-password", { json: { email } });
    expect((await app.mail()).filter(({ to }) => to === email)).toEqual([]);
    expect(await passwordLogin(app, email)).toBe(401);
    expect(await passwordLogin(app, account.email)).toBe(200);
    expect({ ...(await rowOf(account)), sessions: [] }).toEqual({ ...before, sessions: [] });
  });

  test(`R67: nor does it change anything else that ${name} logs in with, by the routes of users`, async () => {
    const account = await make();
    const key = await createKey(app, account);
    const { accessToken: token } = await ageLogIn(app, account);
    const before = await rowOf(account);
    const [sid] = before.sessions.map(({ sessionId }) => sessionId);
    for (const id of [account.id, account.id.toUpperCase()]) {
      const tries: [string, unknown?][] = [
        [`PATCH /v1/users/${id}`, { status: "disabled" }],
        [`PATCH /v1/users/${id}`, { firstName: "X", email: evil() }],
        [`DELETE /v1/users/${id}`],
        [`POST /v1/users/${id}/erase`, { email: account.email }],
        [`DELETE /v1/users/${id}/sessions`],
        [`DELETE /v1/users/${id}/sessions/${sid}`],
        ["POST /v1/api-keys", { name: "x", scopes: ["user:read"], userId: id }],
        [`DELETE /v1/api-keys/${key.id}`],
      ];
      for (const [route, json] of tries)
        expect([route, ...(await told(route, token, json))]).toEqual([route, ...STEP_UP]);
    }
    expect(await rowOf(account)).toEqual(before);
  });
}

describe("R67: in a request with many", () => {
  const bulk = (token: string, operation: string, items: object[], atomic = false) =>
    app.call("POST /v1/users/bulk", { token, json: { operation, items, atomic } });

  test.each(["update", "delete"])("the own id fails, and the others are done: %s", async (op) => {
    const account = await createMember(app, owner, ["owner"]);
    const other = await createMember(app, owner);
    const { accessToken: token } = await ageLogIn(app, account);
    const own = account.id.toUpperCase();
    const items = [other.id, own].map((id) => ({
      id,
      ...(op === "update" && { email: evil() }),
    }));
    const { status, body } = await bulk(token, op, items);
    expect([status, body.succeeded, body.results[1].status, body.results[1].error.code]).toEqual([
      200,
      1,
      ...STEP_UP,
    ]);
    expect(await rowOf(account)).toMatchObject({ pendingEmail: null, isDeleted: false });
  });

  test("atomic: nothing is written", async () => {
    const account = await createMember(app, owner, ["owner"]);
    const other = await createMember(app, owner);
    const before = [await rowOf(account), await rowOf(other)];
    const { accessToken: token } = await ageLogIn(app, account);
    const items = [other.id, account.id].map((id) => ({ id, email: evil() }));
    const { status, body } = await bulk(token, "update", items, true);
    expect([status, body.code, body.results.length]).toEqual([422, "nothing_written", 1]);
    expect(body.results[0]).toMatchObject({ index: 1, error: { code: STEP_UP[1] } });
    expect([await rowOf(account), await rowOf(other)]).toEqual(before);
  });
});

describe("R67: a key that acts as its own user", () => {
  test("changes nothing of what that user logs in with, whatever its scopes", async () => {
    const account = await createMember(app, owner, ["owner"]);
    const scopes = (await app.call("GET /v1/auth/me", { token: account.accessToken })).body
      .permissions as string[];
    const key = await createKey(app, account, {
      scopes: scopes.filter((scope) => scope !== "api_key:create"),
    });
    // Its scopes have to hold all that the user may do; api_key:create, which no key holds, is taken from the user.
    const role = await app.call("POST /v1/roles", {
      token: owner.accessToken,
      json: {
        name: randomName(),
        permissions: scopes.filter((scope) => scope !== "api_key:create"),
      },
    });
    await app.call(`PUT /v1/users/${account.id}/roles`, {
      token: owner.accessToken,
      json: { roles: [role.body.name] },
    });
    const before = await rowOf(account);
    const tries: [string, unknown?][] = [
      [`PATCH /v1/users/${account.id}`, { email: evil() }],
      [`PATCH /v1/users/${account.id.toUpperCase()}`, { status: "disabled" }],
      [`DELETE /v1/users/${account.id}`],
      [`POST /v1/users/${account.id}/erase`, { email: account.email }],
      [`DELETE /v1/users/${account.id}/sessions`],
      [`DELETE /v1/api-keys/${key.id}`],
    ];
    for (const [route, json] of tries)
      expect([route, ...(await told(route, key.key, json))]).toEqual([route, ...NO_MACHINE]);
    const { body } = await app.call("POST /v1/users/bulk", {
      token: key.key,
      json: { operation: "update", items: [{ id: account.id, email: evil() }] },
    });
    expect(body.results[0].error.code).toBe("session_required");
    expect(await rowOf(account)).toEqual(before);
  });

  test("nor does the key of a service account pause or delete its own", async () => {
    const machine = await createService(app, owner, { roles: ["admin"] });
    const key = await createKey(app, owner, {
      userId: machine.id,
      scopes: (await app.call("GET /v1/roles?limit=50", { token: owner.accessToken })).body.items
        .find(({ name }: { name: string }) => name === "admin")
        .permissions.filter((scope: string) => scope !== "api_key:create"),
    });
    const role = await app.call("POST /v1/roles", {
      token: owner.accessToken,
      json: {
        name: randomName(),
        permissions: ["service_account:update", "service_account:delete", "user:read"],
      },
    });
    await app.call(`PATCH /v1/service-accounts/${machine.id}`, {
      token: owner.accessToken,
      json: { roles: [role.body.name] },
    });
    const path = `/v1/service-accounts/${machine.id}`;
    expect(await told(`PATCH ${path}`, key.key, { status: "disabled" })).toEqual(NO_MACHINE);
    expect(await told(`DELETE ${path}`, key.key)).toEqual(NO_MACHINE);
    expect(await told(`PATCH ${path}`, key.key, { name: "Other" })).toEqual([200, undefined]);
  });
});

test("R67: what is no part of logging in needs no recent proof", async () => {
  const account = await createMember(app, owner, ["owner"]);
  const { accessToken: token } = await ageLogIn(app, account);
  const tries: [string, unknown][] = [
    [`PATCH /v1/users/${account.id}`, { firstName: "Ada" }],
    // What they have already.
    [`PATCH /v1/users/${account.id}`, { email: account.email, status: "active" }],
    [`PATCH /v1/users/${account.id}/profile`, { language: "de" }],
  ];
  for (const [route, json] of tries)
    expect(await told(route, token, json)).toEqual([200, undefined]);
});

test("R67: with a recent one the routes of users do it, and the address still waits for its proof", async () => {
  const account = await createMember(app, owner, ["owner"]);
  // Else the password, which the owner gave, would go with this first proof (R69).
  await proveAddress(app, account);
  const email = evil();
  const { accessToken: token } = await ageLogIn(app, account);
  const again = await app.call("POST /v1/auth/reauthenticate", {
    token,
    json: { password: PASSWORD },
  });
  const { status, body } = await app.call(`PATCH /v1/users/${account.id}`, {
    token: again.body.accessToken,
    json: { email },
  });
  expect([status, body.email, body.pendingEmail]).toEqual([200, account.email, email]);
  // One's own change is for one's own session, by whatever route it was begun.
  const link = tokenIn(await app.lastMailTo(email));
  expect(await told("POST /v1/auth/email/verify", "", { token: link })).toEqual([
    400,
    "invalid_one_time_token",
  ]);
  const done = await app.call("POST /v1/auth/me/email/verify", {
    token: again.body.accessToken,
    json: { token: link },
  });
  expect(done.status).toBe(204);
  expect((await logIn(app, email)).id).toBe(account.id);
  expect((await reset(app, "x")).status).toBe(400);
});
