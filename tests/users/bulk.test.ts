/** Many users in one request: each by the rules of its single route, all or some of them. */
import { beforeAll, describe, expect, test } from "bun:test";
import { newId } from "../../src/db/id.ts";
import { userBulkRoutes } from "../../src/users/bulk/routes.ts";
import {
  type Account,
  createMember,
  logIn,
  PASSWORD,
  randomName,
  registerOwner,
  testApp,
} from "../support/app.ts";
import { textsOf } from "../support/statements.ts";
import { createMemberWith, routesOf } from "./routes.ts";

const app = testApp();
let owner: Account & { tenantId: string };
let stranger: Account & { tenantId: string };
beforeAll(async () => {
  [owner, stranger] = await Promise.all([registerOwner(app), registerOwner(app)]);
});

type Item = Record<string, unknown>;
type Result = { index: number; status: number; id?: string; error?: { code: string } };

function bulk(operation: string, items: unknown, rest: object = {}, who: Account = owner) {
  const json = { operation, items, ...rest };
  return app.call("POST /v1/users/bulk", { token: who.accessToken, json });
}

const newUser = () => ({ email: `${randomName()}@x.example` });
const codes = (body: { results: Result[] }) =>
  body.results.map(({ status, error }) => error?.code ?? status);

async function users(ids: unknown[]): Promise<Item[]> {
  const sql = `SELECT id, first_name AS "firstName", is_deleted AS "isDeleted" FROM users WHERE id = ANY($1) ORDER BY id`;
  return (await app.deps.pool.query(sql, [ids])).rows;
}

async function make(count: number): Promise<string[]> {
  const { body } = await bulk("create", Array.from({ length: count }, newUser));
  expect(body.failed).toBe(0);
  return body.results.map(({ id }: Result) => id);
}

test("the route is tested here", () => {
  expect(routesOf(userBulkRoutes, "/v1/users")).toEqual(["POST /v1/users/bulk"]);
});

test("users are created, changed, deleted and restored, and each leaves its audit row", async () => {
  const items = [{ ...newUser(), password: PASSWORD, roles: ["auditor"] }, newUser(), newUser()];
  const created = await bulk("create", items);
  expect(created.status).toBe(200);
  expect(created.body).toMatchObject({ succeeded: 3, failed: 0 });
  expect(codes(created.body)).toEqual([201, 201, 201]);
  const ids: string[] = created.body.results.map(({ id }: Result) => id);
  expect((await logIn(app, String(items[0]?.email))).id).toBe(ids[0] ?? "");

  const changed = await bulk(
    "update",
    ids.map((id, n) => ({ id, firstName: `Ada${n}` })),
  );
  expect(codes(changed.body)).toEqual([200, 200, 200]);
  expect(
    codes(
      (
        await bulk(
          "delete",
          ids.map((id) => ({ id })),
        )
      ).body,
    ),
  ).toEqual([204, 204, 204]);
  expect((await users(ids)).map(({ firstName, isDeleted }) => [firstName, isDeleted])).toEqual(
    [...ids.keys()].map((n) => [`Ada${n}`, true]),
  );
  expect(
    codes(
      (
        await bulk(
          "restore",
          ids.map((id) => ({ id })),
        )
      ).body,
    ),
  ).toEqual([200, 200, 200]);
  const { rows } = await app.deps.pool.query(
    "SELECT action, count(*)::int AS count FROM audit_log WHERE resource_id = ANY($1) AND action LIKE 'user.%' GROUP BY 1 ORDER BY 1",
    [ids],
  );
  expect(rows).toEqual(
    ["created", "deleted", "restored", "updated"].map((verb) => ({
      action: `user.${verb}`,
      count: 3,
    })),
  );
});

test("what is wrong with one item is told with its index, and stops no other", async () => {
  const good = newUser();
  const { status, body } = await bulk("create", [
    newUser(),
    { email: "nobody" },
    { email: owner.email },
    { ...newUser(), roles: ["nobody"] },
    { ...newUser(), isSuperAdmin: true },
    { ...newUser(), tenantId: stranger.tenantId },
    good,
    good,
  ]);
  expect(status).toBe(200);
  expect(codes(body)).toEqual([
    201,
    "validation_failed",
    "email_taken",
    "validation_failed",
    "validation_failed",
    "permission_denied",
    201,
    "email_taken",
  ]);
  expect(body).toMatchObject({ succeeded: 2, failed: 6 });
  expect(body.results[1]).toMatchObject({
    index: 1,
    status: 422,
    error: { errors: expect.arrayContaining([expect.objectContaining({ path: "email" })]) },
  });
  expect(body.results[2].status).toBe(409);
  expect(body.results[5].status).toBe(403);
});

for (const operation of ["update", "delete", "restore"]) {
  test(`R59: ${operation} answers another tenant's id as an absent and a malformed one`, async () => {
    const foreign = await createMember(app, stranger);
    if (operation === "restore")
      await app.call(`DELETE /v1/users/${foreign.id}`, { token: stranger.accessToken });
    const change = operation === "update" ? { firstName: "Eve" } : {};
    const items = [foreign.id, newId(), "x"].map((id) => ({ id, ...change }));
    for (const atomic of [false, true]) {
      const { body } = await bulk(operation, items, { atomic });
      expect(codes(body)).toEqual(["not_found", "not_found", "not_found"]);
      const [first] = body.results;
      for (const result of body.results) expect(result.error).toEqual(first.error);
    }
  });
}

describe("atomic", () => {
  test("one failure undoes everything, and every failure is told", async () => {
    const ids = await make(3);
    const before = await users(ids);
    const items = [
      { id: ids[0], firstName: "Ada" },
      { id: newId(), firstName: "Ada" },
      { id: ids[1], email: owner.email },
      { id: ids[2], firstName: "Ada" },
      { id: ids[2], nickname: "Ada" },
    ];
    const { status, body } = await bulk("update", items, { atomic: true });
    expect([status, body.code]).toEqual([422, "nothing_written"]);
    expect(body.results.map((result: Result) => [result.index, result.error?.code])).toEqual([
      [1, "not_found"],
      [2, "email_taken"],
      [4, "validation_failed"],
    ]);
    expect(await users(ids)).toEqual(before);
    const audit = "SELECT FROM audit_log WHERE resource_id = ANY($1) AND action = 'user.updated'";
    expect((await app.deps.pool.query(audit, [ids])).rowCount).toBe(0);
  });

  test("sessions that it would have ended go on; those that it ends are over at once", async () => {
    const [ada, grace] = await Promise.all([createMember(app, owner), createMember(app, owner)]);
    const off = ({ id }: Account) => ({ id, status: "disabled" });
    const me = ({ accessToken: token }: Account) => app.call("GET /v1/auth/me", { token });
    await bulk("update", [off(ada), off(grace), { id: newId(), firstName: "x" }], { atomic: true });
    expect((await me(ada)).status).toBe(200);
    const done = await bulk("update", [off(ada), off(grace)], { atomic: true });
    expect(codes(done.body)).toEqual([200, 200]);
    for (const account of [ada, grace]) expect((await me(account)).status).toBe(401);
  });

  test("passwords are hashed beforehand, each for itself", async () => {
    const items = [newUser(), newUser()].map((item) => ({ ...item, password: PASSWORD }));
    const { body } = await bulk("create", items, { atomic: true });
    expect(codes(body)).toEqual([201, 201]);
    const { rows } = await app.deps.pool.query(
      "SELECT DISTINCT password_hash FROM accounts WHERE email = ANY($1)",
      [items.map(({ email }) => email)],
    );
    expect(rows).toHaveLength(2);
    await logIn(app, String(items[1]?.email));
  });

  test("two with the same users in another order do not wait for each other for ever", async () => {
    const ids = await make(20);
    const items = ids.map((id) => ({ id, firstName: "Ada" }));
    const answers = await Promise.all(
      Array.from({ length: 6 }, (_, n) =>
        bulk("update", n % 2 ? items : items.toReversed(), { atomic: true }),
      ),
    );
    expect(answers.map(({ status }) => status)).toEqual(Array(6).fill(200));
  });
});

describe("R62: the rules of the single routes hold", () => {
  test("the last owner stays, whichever of the owners goes first", async () => {
    const tenant = await registerOwner(app);
    const second = await createMember(app, tenant, ["owner"]);
    const items = [{ id: second.id }, { id: tenant.id }];
    const atomic = await bulk("delete", items, { atomic: true }, tenant);
    expect(codes(atomic.body)).toEqual(["last_owner"]);
    expect(codes((await bulk("delete", items, {}, tenant)).body)).toEqual([204, "last_owner"]);
  });

  test("nobody changes who may do more, and nobody without the operation's permission anything", async () => {
    const admin = await createMember(app, owner, ["admin"]);
    expect(codes((await bulk("delete", [{ id: owner.id }], {}, admin)).body)).toEqual([
      "permission_denied",
    ]);
    const permissions = { create: "user:create", update: "user:update", delete: "user:delete" };
    for (const [operation, permission] of Object.entries({
      ...permissions,
      restore: "user:restore",
    })) {
      const others = ["user:create", "user:update", "user:delete", "user:restore"] as const;
      const held = others.filter((each) => each !== permission);
      const some = await createMemberWith(app, owner, held);
      const answer = await bulk(operation, [{ id: newId() }], {}, some);
      expect([answer.status, answer.body.code]).toEqual([403, "permission_denied"]);
      expect(answer.body.detail).toContain(permission);
    }
  });
});

test("R52: it is 401 without a token, and 422 for what is no list of at most 500 items", async () => {
  const none = await app.call("POST /v1/users/bulk", {
    json: { operation: "create", items: [{}] },
  });
  expect(none.status).toBe(401);
  for (const items of [[], "x", null, [1], Array(501).fill({}), {}])
    expect((await bulk("delete", items)).body.code).toBe("validation_failed");
  expect((await bulk("purge", [{}])).status).toBe(422);
  expect((await bulk("delete", [{}], { atomic: "yes" })).status).toBe(422);
  expect((await bulk("delete", [{}], { dryRun: true })).status).toBe(422);
});

test("R55: sent again with its key, it is done once", async () => {
  const headers = { "idempotency-key": randomName() };
  const json = { operation: "create", items: [newUser(), newUser()] };
  const send = () => app.call("POST /v1/users/bulk", { token: owner.accessToken, headers, json });
  const [first, again] = [await send(), await send()];
  expect(again.body).toEqual(first.body);
  expect(codes(again.body)).toEqual([201, 201]);
});

test("an item takes no more statements than a request of its own, and five hundred are done in one", async () => {
  for (const atomic of [false, true]) {
    const items = Array.from({ length: 20 }, newUser);
    const statements = await textsOf(() => bulk("create", items, { atomic }));
    expect(statements.filter((text) => text.includes("INSERT INTO users"))).toHaveLength(20);
    expect(statements.length / 20).toBeLessThan(20);
  }
  const begin = performance.now();
  const { body } = await bulk("create", Array.from({ length: 500 }, newUser), { atomic: true });
  expect(body.succeeded).toBe(500);
  expect(performance.now() - begin).toBeLessThan(30_000);
});
