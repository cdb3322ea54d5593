/** R70: a tenant tries whatever takes an address, to learn who has an account elsewhere. */
import { beforeAll, expect, test } from "bun:test";
import { NEW_PASSWORD } from "../auth/mails/mails.ts";
import {
  type Account,
  createMember,
  createSuperAdmin,
  proveAddress,
  randomName,
  registerOwner,
  testApp,
} from "../support/app.ts";
import { textsOf } from "../support/statements.ts";
import { lines, NDJSON, sendImport } from "../users/imports.ts";

type Tenant = Account & { tenantId: string; slug: string };

const app = testApp();
let elsewhere: Tenant;
let root: Account;
beforeAll(async () => {
  elsewhere = await registerOwner(app);
  root = await createSuperAdmin(app);
});

const newAddress = () => `${randomName()}@members.example`;
const post = (who: Account, path: string, json: object = {}) =>
  app.call(`POST ${path}`, { token: who.accessToken, json });

/** Addresses by what there is to know of them; those of accounts are as long as the one that is free. */
const KINDS: Record<string, () => Promise<string>> = {
  free: async () => newAddress(),
  "of an account that its person proved": async () => {
    const name = randomName();
    const owner = await registerOwner(app, name);
    await app.deps.db.account.update({
      where: { id: owner.id },
      data: { email: `${name}@members.example` },
    });
    await proveAddress(app, owner);
    return `${name}@members.example`;
  },
  "of an account that nobody proved": async () => (await createMember(app, elsewhere)).email,
  "of a disabled account": async () => {
    const { id, email } = await createMember(app, elsewhere);
    await app.deps.db.user.update({ where: { id }, data: { status: "disabled" } });
    return email;
  },
  "of a platform account": async () => {
    const email = newAddress();
    await post(root, "/v1/users", { email, roles: ["super_admin"] });
    return email;
  },
};
const [FREE = "", ...TAKEN] = Object.keys(KINDS);

/** Everything that a tenant may do with an address, and everything that it may look at afterwards. */
async function tour(owner: Tenant, email: string, withPassword: boolean): Promise<string[]> {
  const seen: string[] = [];
  const { accessToken: token } = owner;
  const alike = normaliser(owner, email);
  const ask = async (route: string, options: object = {}) => {
    const { status, headers, body } = await app.call(route, { token, ...options });
    const shown = [...headers].filter(([name]) => !/^(date|etag|ratelimit)/.test(name));
    seen.push(alike(JSON.stringify([route, status, shown, body])));
    return body;
  };
  const look = async (id: string) => {
    const user = `/v1/users/${id}`;
    for (const path of [
      ...[user, `${user}/sessions`, `${user}/roles`, `${user}/profile`, `${user}/personal-data`],
      ...["/v1/users?search=members.example", "/v1/users?sort=email&page=1", "/v1/users/export"],
      ...["/v1/tenants/current/usage", "/v1/audit-logs?limit=100", "/v1/users?deleted=true"],
    ])
      await ask(`GET ${path}`);
  };
  const row = { email, firstName: "Vera", ...(withPassword && { password: NEW_PASSWORD }) };

  const headers = { "idempotency-key": "once" };
  const made = await ask("POST /v1/users", { json: row, headers });
  await ask("POST /v1/users", { json: row, headers });
  await ask("POST /v1/users", { json: row });
  await ask("POST /v1/users/bulk", { json: { operation: "create", items: [row] } });
  await sends(ask, lines({ email }));
  await ask("POST /v1/invitations", { json: { email } });
  await look(made.id);

  // What strangers do with an address, and what the tenant asks to be done with it.
  await ask(`POST /v1/users/${made.id}/reset-password`);
  await app.mail();
  for (const path of ["login", "forgot-password", "magic-link"]) {
    // Not the one that some of the accounts have.
    const password = NEW_PASSWORD;
    const json = path === "login" ? { email, password } : { email };
    const { status } = await app.call(`POST /v1/auth/${path}`, { json });
    seen.push(`${path} ${status}`);
    await app.mail();
  }
  await app.call("POST /v1/auth/login", { json: { email, password: "not that one, I hope" } });
  const { challengeId } = (await app.call("POST /v1/auth/magic-link", { json: { email } })).body;
  await app.mail();
  await app.call("POST /v1/auth/magic-link/verify", { json: { challengeId, code: "000000" } });
  await look(made.id);

  const id = { json: { operation: "restore", items: [{ id: made.id }] } };
  await ask(`PATCH /v1/users/${made.id}`, { json: { firstName: "Eve", status: "disabled" } });
  await ask(`PATCH /v1/users/${made.id}`, { json: { status: "active" } });
  await ask(`DELETE /v1/users/${made.id}`);
  await ask(`POST /v1/users/${made.id}/restore`);
  await ask(`DELETE /v1/users/${made.id}`);
  await ask("POST /v1/users/bulk", id);
  await ask(`DELETE /v1/users/${made.id}`);
  await ask("POST /v1/users/bulk", { json: { ...id.json, atomic: true } });
  await ask(`POST /v1/users/${made.id}/erase`, { json: { email } });
  await look(made.id);

  // Again and again, each time by another route; the last one stays.
  for (const atomic of [false, true]) {
    const items = [row, { email: "nobody" }];
    const { results } = await ask("POST /v1/users/bulk", {
      json: { operation: "create", items, atomic },
    });
    const [{ id: bulk } = { id: undefined }] = results ?? [];
    if (bulk) await ask(`DELETE /v1/users/${bulk}`);
  }
  for (const query of ["?dryRun=true", "?dryRun=true&atomic=true", "?atomic=true", ""])
    await sends(ask, lines({ email, emailVerified: true }, { email: "nobody" }), query);
  await app.call(`PATCH /v1/tenants/${owner.tenantId}`, {
    token: root.accessToken,
    json: { seatLimit: 2 },
  });
  await ask("POST /v1/users", { json: { email: newAddress() } });
  const { items } = await ask("GET /v1/users?search=members.example");
  await look(items[0].id);
  await ask(`DELETE /v1/users/${items[0].id}`);

  // And by a change, which waits for a proof that nobody gives here.
  const other = await ask("POST /v1/users", { json: { email: newAddress() } });
  await ask(`PATCH /v1/users/${other.id}`, { json: { email } });
  const change = { operation: "update", items: [{ id: other.id, email }] };
  await ask("POST /v1/users/bulk", { json: change });
  await app.mail();
  await look(other.id);
  await ask(`DELETE /v1/users/${other.id}`);

  await ask("POST /v1/invitations", { json: { email } });
  await ask("POST /v1/users", { json: row });
  await look(owner.id);
  return seen;
}

function sends(
  ask: (route: string, options: object) => Promise<unknown>,
  body: string,
  query = "",
) {
  const headers = { "content-type": NDJSON, "idempotency-key": randomName() };
  return ask(`POST /v1/users/import${query}`, { body, headers });
}

/** Takes from an answer what differs from tenant to tenant: names, ids by the order in which they come, moments. */
function normaliser({ slug }: Tenant, email: string): (text: string) => string {
  const ids = new Map<string, string>();
  return (text) =>
    text
      .replaceAll(email, "<address>")
      .replaceAll(slug, "<tenant>")
      .replaceAll(/t[0-9a-f]{10}@members/g, "<other>@members")
      .replaceAll(/erased-[0-9a-f-]{36}/g, "<erased>")
      .replaceAll(/[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/g, (id) => {
        ids.set(id, ids.get(id) ?? `<id ${ids.size}>`);
        return ids.get(id) ?? "";
      })
      .replaceAll(/\d{4}-\d\d-\d\dT[\d:.]+Z/g, "<moment>");
}

for (const [mode, withPassword] of [
  ["optional", false],
  ["required", true],
] as const) {
  // Not both: where addresses need no proof, a tenant may log in with the password that it gave, or fail to.
  test(`R70: with EMAIL_VERIFICATION=${mode} a tenant's answers, logs and lists are alike for every address`, async () => {
    const { config } = app.deps;
    const seen = new Map<string, string[]>();
    for (const [kind, make] of Object.entries(KINDS)) {
      const [owner, email] = [await registerOwner(app), await make()];
      config.emailVerification = mode;
      seen.set(
        kind,
        await tour(owner, email, withPassword).finally(() => {
          config.emailVerification = "optional";
        }),
      );
    }
    const free = seen.get(FREE) ?? [];
    expect(free.length).toBeGreaterThan(60);
    for (const kind of TAKEN) expect([kind, seen.get(kind)]).toEqual([kind, free]);
  });
}

test("R70: of a large atomic import only what is wrong in itself, or of the tenant, is named", async () => {
  const owner = await registerOwner(app);
  const taken = await Promise.all(Array.from({ length: 5 }, () => createMember(app, elsewhere)));
  const own = await createMember(app, owner);
  const rows = Array.from({ length: 600 }, (_, n) => ({
    email: n % 100 === 7 ? (taken[(n - 7) / 100]?.email ?? own.email) : newAddress(),
  }));
  const faulty = lines(...rows, { email: "nobody" }, { email: rows[0]?.email });
  const refused = await sendImport(app, owner, faulty, { type: NDJSON, query: "?atomic=true" });
  expect(refused).toMatchObject({ status: 422, body: { code: "nothing_written" } });
  const paths = (answer: typeof refused) =>
    answer.body.errors.map(({ path }: { path: string }) => path).sort();
  expect(paths(refused)).toEqual(["601.email", "602.email"]);
  const query = "?atomic=true";
  const again = await sendImport(app, owner, lines(...rows), { type: NDJSON, query });
  expect(paths(again)).toEqual(["508.email"]);
  const { body } = await sendImport(app, owner, lines(...rows), { type: NDJSON });
  expect(body).toMatchObject({ created: 599, failed: 1, errors: [{ line: 508, field: "email" }] });
});

test("R70: both take the same statements", async () => {
  const owner = await registerOwner(app);
  // What an instance remembers from here on is not read again.
  await post(owner, "/v1/users", { email: newAddress() });
  const texts: Record<string, string[]> = { free: [], taken: [] };
  for (const [kind, email] of [
    ["free", newAddress()],
    ["taken", (await createMember(app, elsewhere)).email],
  ] as const) {
    texts[kind] = await textsOf(async () => {
      const { body } = await post(owner, "/v1/users", { email });
      await app.call(`DELETE /v1/users/${body.id}`, { token: owner.accessToken });
      await post(owner, `/v1/users/${body.id}/restore`);
      await app.call(`DELETE /v1/users/${body.id}`, { token: owner.accessToken });
      await sendImport(app, owner, lines({ email }), { type: NDJSON });
    });
  }
  // Only of the tenant and its people: what the instance does beside it has its own times.
  for (const [kind, all] of Object.entries(texts))
    texts[kind] = all.filter((text) => !/signing_keys|clock_timestamp|pgboss/.test(text));
  // The savepoint ends one way or the other.
  const alike = texts.taken?.map((text) =>
    text.replace("ROLLBACK TO SAVEPOINT", "RELEASE SAVEPOINT"),
  );
  expect(alike).toEqual(texts.free ?? []);
  expect(texts.free?.length).toBeGreaterThan(30);
});
