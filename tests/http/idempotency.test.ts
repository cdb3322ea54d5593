/** R55: Idempotency-Key. What is sent again is done once and answered twice. */
import { beforeAll, describe, expect, test } from "bun:test";
import {
  type Account,
  type CallOptions,
  createMember,
  createSuperAdmin,
  PASSWORD,
  randomName,
  registerOwner,
  testApp,
} from "../support/app.ts";

const app = testApp();
let owner: Account & { tenantId: string };
let root: Account;
beforeAll(async () => {
  owner = await registerOwner(app);
  root = await createSuperAdmin(app);
});

const newUser = () => ({ email: `${randomName()}@x.example` });

function post(path: string, key: string, json: unknown, who: Account = owner) {
  const options: CallOptions = {
    token: who.accessToken,
    headers: { "idempotency-key": key },
    json,
  };
  return app.call(`POST ${path}`, options);
}

async function rows(key: string): Promise<Record<string, unknown>[]> {
  const sql = "SELECT * FROM idempotency_keys WHERE key = $1";
  return (await app.deps.pool.query(sql, [key])).rows;
}

const CREATIONS: [path: string, json: () => object, who: () => Account][] = [
  ["/v1/users", newUser, () => owner],
  ["/v1/tenants", () => ({ name: "Acme", slug: randomName() }), () => root],
  ["/v1/service-accounts", () => ({ name: "Robot" }), () => owner],
  ["/v1/api-keys", () => ({ name: "Key", scopes: ["user:read"] }), () => owner],
];

for (const [path, json, who] of CREATIONS) {
  test(`R55: POST ${path} sent again is answered the same, and done once`, async () => {
    const [key, body] = [randomName(), json()];
    const first = await post(path, key, body, who());
    const again = await post(path, key, body, who());
    expect(first.status).toBe(201);
    expect(again.status).toBe(201);
    expect(again.body).toEqual(first.body);
    for (const name of ["location", "content-type"])
      expect(again.headers.get(name)).toBe(first.headers.get(name) ?? "");
    expect(again.headers.get("x-request-id")).not.toBe(first.headers.get("x-request-id"));
    expect((await post(path, randomName(), json(), who())).body.id).not.toBe(first.body.id);
  });
}

test("R55: fifty at once with one key make one user, and the others hear of it or wait", async () => {
  const [key, json] = [randomName(), newUser()];
  const answers = await Promise.all(Array.from({ length: 50 }, () => post("/v1/users", key, json)));
  const ids = new Set<string>();
  for (const { status, body, headers } of answers) {
    if (status === 201) ids.add(body.id);
    else expect([status, body.code]).toEqual([409, "idempotency_key_in_use"]);
    if (status !== 201) expect(headers.get("retry-after")).toBe("1");
  }
  expect(ids.size).toBe(1);
  expect((await post("/v1/users", key, json)).body.id).toBe([...ids][0]);
});

test("R55: another payload under the same key is 422, and does nothing", async () => {
  const [key, json] = [randomName(), newUser()];
  await post("/v1/users", key, json);
  const other = await post("/v1/users", key, { ...json, firstName: "Ada" });
  expect(other).toMatchObject({ status: 422, body: { code: "idempotency_key_reused" } });
  // The same said in another way is the same.
  const text = ` { "email" : "${json.email.toUpperCase()}" } `;
  const headers = { "idempotency-key": `"${key}"`, "content-type": "application/json" };
  const same = await app.call("POST /v1/users", { token: owner.accessToken, headers, body: text });
  expect(same.status).toBe(201);
});

describe("R55: the key", () => {
  for (const key of [
    "",
    '""',
    '"',
    '"a',
    'a"b',
    "a b",
    "a,b",
    '"a", "b"',
    '"a";b=1',
    "é",
    '"é"',
    '"a\\b"',
    "x".repeat(256),
    `"${"x".repeat(256)}"`,
  ]) {
    test(`is 400 as ${JSON.stringify(key.slice(0, 20))}`, async () => {
      const answer = await post("/v1/users", key, newUser());
      expect(answer).toMatchObject({ status: 400, body: { code: "invalid_idempotency_key" } });
    });
  }

  test("is the same quoted and bare, and may hold all of ASCII when it is quoted", async () => {
    const [key, json] = [randomName(), newUser()];
    const bare = await post("/v1/users", key, json);
    expect((await post("/v1/users", `"${key}"`, json)).body.id).toBe(bare.body.id);
    const odd = await post("/v1/users", '"a \\"b\\" \\\\, {c}"', newUser());
    expect(odd.status).toBe(201);
    expect(await rows('a "b" \\, {c}')).toHaveLength(1);
  });

  test("of somebody else, and of another route, is another key", async () => {
    const [key, json] = [randomName(), newUser()];
    const admin = await createMember(app, owner, ["admin"]);
    const stranger = await registerOwner(app);
    await post("/v1/users", key, json);
    expect((await post("/v1/users", key, json, admin)).body.code).toBe("email_taken");
    expect((await post("/v1/users", key, newUser(), stranger)).status).toBe(201);
    expect((await post("/v1/service-accounts", key, { name: "x" })).status).toBe(201);
    expect(await rows(key)).toHaveLength(3);
  });

  test("of a machine is that of its user", async () => {
    const made = await post("/v1/api-keys", randomName(), { name: "k", scopes: ["user:create"] });
    const [key, json] = [randomName(), newUser()];
    const first = await post("/v1/users", key, json);
    const again = await post("/v1/users", key, json, { ...owner, accessToken: made.body.key });
    expect(again.body).toEqual(first.body);
  });
});

test("a refusal is not kept: mended, the request goes through under the same key", async () => {
  const key = randomName();
  expect((await post("/v1/users", key, { email: owner.email })).body.code).toBe("email_taken");
  expect((await post("/v1/users", key, { email: "x" })).status).toBe(422);
  expect(await rows(key)).toEqual([]);
  expect((await post("/v1/users", key, newUser())).status).toBe(201);
});

test("after a fault of ours the key is free, and what was begun is undone", async () => {
  const [key, json] = [randomName(), newUser()];
  await app.database.query(
    "ALTER TABLE user_roles ADD CONSTRAINT broken CHECK (created_at < '2000-01-01') NOT VALID",
  );
  const failed = await post("/v1/users", key, json);
  await app.database.query("ALTER TABLE user_roles DROP CONSTRAINT broken");
  expect(failed.status).toBe(500);
  expect((await post("/v1/users", key, json)).status).toBe(201);
});

test("a request that died holds its key for a minute, one that was answered for a day", async () => {
  const [key, json] = [randomName(), newUser()];
  const made = await post("/v1/users", key, json);
  const seconds = async () => {
    const sql = "SELECT extract(epoch FROM expires_at - now())::int AS left FROM idempotency_keys";
    return (await app.deps.pool.query(`${sql} WHERE key = $1`, [key])).rows[0].left;
  };
  expect(await seconds()).toBeWithin(86_390, 86_401);
  // As it was before the answer.
  const undo = `SET status = NULL, response = NULL, expires_at = now() + interval '1 minute'`;
  await app.deps.pool.query(`UPDATE idempotency_keys ${undo} WHERE key = $1`, [key]);
  const waiting = await post("/v1/users", key, json);
  expect(waiting.body.code).toBe("idempotency_key_in_use");
  await app.deps.pool.query(
    `UPDATE idempotency_keys SET created_at = now() - interval '2 minutes', expires_at = now() - interval '1 minute' WHERE key = $1`,
    [key],
  );
  await app.call(`DELETE /v1/users/${made.body.id}`, { token: owner.accessToken });
  const taken = await Promise.all(Array.from({ length: 10 }, () => post("/v1/users", key, json)));
  expect(
    new Set(taken.filter(({ status }) => status === 201).map(({ body }) => body.id)).size,
  ).toBe(1);
});

describe("R55: a server that dies between the commit and the answer", () => {
  test("leaves a note that it was done: it is not done again", async () => {
    const [key, json] = [randomName(), { name: randomName(), scopes: ["user:read"] }];
    const asMadeBefore = (interval: string) =>
      app.deps.pool.query(
        "UPDATE idempotency_keys SET created_at = created_at - $2::interval WHERE key = $1",
        [key, interval],
      );
    // It dies here: before the answer comes to where the note is.
    await app.database.query(`
      CREATE FUNCTION die() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'died'; END $$;
      CREATE TRIGGER die BEFORE UPDATE ON idempotency_keys FOR EACH ROW
        WHEN (OLD.response IS NOT NULL AND OLD.created_at = NEW.created_at) EXECUTE FUNCTION die()`);
    expect((await post("/v1/api-keys", key, json)).status).toBe(201);
    await app.database.query("DROP TRIGGER die ON idempotency_keys; DROP FUNCTION die()");

    // Perhaps it lives, and the answer is on its way.
    expect((await post("/v1/api-keys", key, json)).body.code).toBe("idempotency_key_in_use");
    await asMadeBefore("2 minutes");
    expect((await post("/v1/api-keys", key, json)).body.code).toBe("answer_not_kept");
    const { rows: made } = await app.deps.pool.query("SELECT FROM api_keys WHERE name = $1", [
      json.name,
    ]);
    expect(made).toHaveLength(1);
    expect((await post("/v1/api-keys", key, { ...json, name: "other" })).body.code).toBe(
      "idempotency_key_reused",
    );
  });

  test("also before there is a session, and where a platform account works in a tenant", async () => {
    const notes = async (key: string) => (await rows(key)).map(({ status }) => status);
    await app.database.query(`
      CREATE FUNCTION die() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'died'; END $$;
      CREATE TRIGGER die BEFORE UPDATE ON idempotency_keys FOR EACH ROW
        WHEN (OLD.response IS NOT NULL) EXECUTE FUNCTION die()`);
    const slug = randomName();
    const account = { email: `owner@${slug}.example`, password: PASSWORD };
    const [registered, invited] = [randomName(), randomName()];
    await app.call("POST /v1/auth/register", {
      json: { ...account, tenant: { name: slug, slug } },
      headers: { "idempotency-key": registered },
    });
    const invitation = { email: `x@${slug}.example`, tenantId: owner.tenantId };
    expect((await post("/v1/invitations", invited, invitation, root)).status).toBe(201);
    await app.database.query("DROP TRIGGER die ON idempotency_keys; DROP FUNCTION die()");
    expect([await notes(registered), await notes(invited)]).toEqual([[200], [200]]);
  });

  test("a refusal after a commit, as of a wrong guess that is counted, leaves none", async () => {
    const key = randomName();
    const json = { email: owner.email, password: "not the right one at all" };
    const headers = { "idempotency-key": key };
    expect((await app.call("POST /v1/auth/login", { json, headers })).status).toBe(401);
    expect(await rows(key)).toEqual([]);
  });
});

test("who may not do it any more is not told what it did", async () => {
  const admin = await createMember(app, owner, ["admin"]);
  const [key, json] = [randomName(), newUser()];
  expect((await post("/v1/users", key, json, admin)).status).toBe(201);
  await app.call(`PATCH /v1/users/${admin.id}`, {
    token: owner.accessToken,
    json: { roles: ["member"] },
  });
  app.deps.grants.forget();
  expect((await post("/v1/users", key, json, admin)).status).toBe(403);
});

test("R66: an answer that is shown once is stored encrypted", async () => {
  const key = randomName();
  const made = await post("/v1/api-keys", key, { name: "secret", scopes: ["user:read"] });
  const [row] = await rows(key);
  const stored = String(row?.response);
  expect(stored.length).toBeGreaterThan(100);
  for (const text of [made.body.key, "secret"]) expect(stored).not.toContain(text);
  expect(
    (await post("/v1/api-keys", key, { name: "secret", scopes: ["user:read"] })).body.key,
  ).toBe(made.body.key);
});
