/**
 * How many statements a request takes, and so how often it waits for the database. COMMIT of a transaction is one; BEGIN and
 * the scope travel with the statement that comes first, and what locks for a log-in with the one that writes it. Cold is when this instance remembers nothing of the caller.
 */
import { beforeAll, expect, test } from "bun:test";
import { type Account, createMember, PASSWORD, registerOwner, testApp } from "../support/app.ts";
import { textsOf } from "../support/statements.ts";

/** Who needs one more lowers another, or says here why it has to be. Who needs fewer writes that down. */
const BUDGET = {
  check: { cold: 1, warm: 0 },
  me: { cold: 2, warm: 0 },
  "list, first page": { cold: 2, warm: 1 },
  "list, page behind a cursor": { cold: 2, warm: 1 },
  "get one": { cold: 2, warm: 1 },
  "get one that is known": { cold: 2, warm: 1 },
  "audit page": { cold: 2, warm: 1 },
  "audit page behind a cursor": { cold: 2, warm: 1 },
  search: { cold: 3, warm: 2 },
  "log-in": { cold: 5, warm: 4 },
  refresh: { cold: 2, warm: 1 },
  create: { cold: 7, warm: 6 },
};

const app = testApp({ RATE_LIMITS: "database", TRUSTED_PROXY_HOPS: "1" });
let owner: Account;
let behind: Record<"users" | "audit-logs", string>;
beforeAll(async () => {
  owner = await registerOwner(app);
  for (let n = 0; n < 3; n += 1) await createMember(app, owner);
  behind = { users: await cursorOf("users"), "audit-logs": await cursorOf("audit-logs") };
});

async function cursorOf(list: string): Promise<string> {
  const { body } = await app.as(owner, `GET /v1/${list}?limit=2`);
  return body.nextCursor;
}

const get = (path: string, headers = {}) =>
  app.call(`GET ${path}`, { token: owner.accessToken, headers });

let made = 0;
const asks: Record<keyof typeof BUDGET, () => Promise<{ status: number }>> = {
  check: () => app.as(owner, "POST /v1/auth/check", { permissions: ["user:read"] }),
  me: () => get("/v1/auth/me"),
  "list, first page": () => get("/v1/users?limit=20"),
  "list, page behind a cursor": () => get(`/v1/users?limit=20&cursor=${behind.users}`),
  "get one": () => get(`/v1/users/${owner.id}`),
  "get one that is known": () => get(`/v1/users/${owner.id}`, { "if-none-match": "*" }),
  "audit page": () => get("/v1/audit-logs"),
  "audit page behind a cursor": () => get(`/v1/audit-logs?cursor=${behind["audit-logs"]}`),
  search: () => get("/v1/users?search=owner"),
  "log-in": () =>
    app.call("POST /v1/auth/login", {
      json: { email: owner.email, password: PASSWORD },
      headers: { "x-forwarded-for": "192.0.2.1" },
    }),
  async refresh() {
    const json = { refreshToken: owner.refreshToken };
    const { status, body } = await app.call("POST /v1/auth/refresh", { json });
    owner.refreshToken = body.refreshToken;
    return { status };
  },
  create() {
    made += 1;
    return app.as(owner, "POST /v1/users", { email: `made${made}@example.com` });
  },
};

/** Of a new connection, and of what prepares the statements that go ahead of others. */
const OF_CONNECTIONS = /^(SET TIME ZONE 'UTC'; SET jit = off)?$/;

async function sentFor(name: keyof typeof BUDGET): Promise<string[]> {
  let status = 0;
  const texts = await textsOf(async () => {
    ({ status } = await asks[name]());
  });
  expect([name, status]).toEqual([
    name,
    name === "create" ? 201 : name.includes("known") ? 304 : 200,
  ]);
  return texts.filter((text) => !OF_CONNECTIONS.test(text));
}

/** @throws with the statements themselves: what was added is among them. */
function assertWithin(name: string, budget: number, sent: string[]): void {
  if (sent.length === budget) return;
  const list = sent.map((text, n) => `${n + 1}. ${text.replace(/\s+/g, " ").trim()}`).join("\n");
  throw new Error(`${name} took ${sent.length} statements, and its budget is ${budget}:\n${list}`);
}

for (const name of Object.keys(BUDGET) as (keyof typeof BUDGET)[]) {
  test(`${name}: as many statements as its budget has, cold and warm`, async () => {
    await sentFor(name);
    app.served.grants.forget();
    app.served.me.forget();
    assertWithin(`${name} (cold)`, BUDGET[name].cold, await sentFor(name));
    // A write may have this instance forget the caller at any moment: the fewest of three are those of one that is known.
    const runs = [await sentFor(name), await sentFor(name), await sentFor(name)];
    const [fewest = []] = runs.sort((one, other) => one.length - other.length);
    assertWithin(`${name} (warm)`, BUDGET[name].warm, fewest);
  });
}
