/** docs/guides/app.md: the session of an app, against the real server. */
import { afterAll, afterEach, beforeAll, beforeEach, expect, setSystemTime, test } from "bun:test";
import { type DatabaseProxy, startProxy } from "../server/proxy.ts";
import { PASSWORD, registerOwner } from "../support/app.ts";
import { createDatabase } from "../support/postgres.ts";
import { type Client, type Guides, openGuides } from "./guide.ts";
import { type Served, serve } from "./serve.ts";

type Keychain = {
  read(): Promise<string | null>;
  write(token: string): Promise<void>;
  clear(): Promise<void>;
};
type Known = Pick<Keychain, "read" | "write">;
type App = { createSession(keychain: Keychain, device: string, known?: Known): Client };

const ME = "/v1/auth/me";
const DEVICE = "Ada’s phone";

let toDatabase: DatabaseProxy;
let served: Served;
let guides: Guides;
let createSession: App["createSession"];
let session: Client;
let email: string;
let stored: string[];
const keychain: Keychain = {
  read: async () => stored.at(-1) ?? null,
  write: async (token) => void stored.push(token),
  clear: async () => void stored.splice(0),
};

beforeAll(async () => {
  const database = await createDatabase();
  toDatabase = await startProxy(database.appUrl);
  const env = { DATABASE_URL: toDatabase.url, DATABASE_TIMEOUT_SECONDS: "1" };
  served = await serve(env, database);
  guides = openGuides(served.url);
  ({ createSession } = await guides.load<App>("app.ts"));
});
beforeEach(async () => {
  stored = [];
  session = createSession(keychain, DEVICE);
  ({ email } = await registerOwner(served.app));
  await session.post("/v1/auth/login", { email, password: PASSWORD });
});
afterEach(() => {
  toDatabase.restore();
  setSystemTime();
});
afterAll(async () => {
  guides.remove();
  await served.stop();
  await toDatabase.close();
});

function expireAccessTokens(): void {
  setSystemTime(new Date(Date.now() + 601_000));
}

test("names its device, and keeps one refresh token", async () => {
  const { items } = await (await session.call("GET", "/v1/auth/sessions")).json();
  expect(items.map((item: { deviceName: string }) => item.deviceName)).toContain(DEVICE);
  expect(stored).toHaveLength(1);
});

test("refreshes once for all who wait, and keeps the successor", async () => {
  expireAccessTokens();
  const answers = await Promise.all([1, 2, 3].map(() => session.call("GET", ME)));
  expect(answers.map(({ status }) => status)).toEqual([200, 200, 200]);
  expect(stored).toHaveLength(2);
});

test("is logged in when it is started again", async () => {
  const again = createSession(keychain, DEVICE);
  expect((await again.call("GET", ME)).status).toBe(200);
});

test("stays logged in over a 503", async () => {
  expireAccessTokens();
  toDatabase.cut();
  const failure = await session.call("GET", ME).then(() => null, String);
  expect([failure, stored.length]).toEqual(["Error: Tenantry answered 503", 1]);
  toDatabase.restore();
  let status = 0;
  for (let tries = 0; tries < 160 && status !== 200; tries++, await Bun.sleep(50))
    status = (await session.call("GET", ME).catch(() => null))?.status ?? 0;
  expect(status).toBe(200);
});

test("forgets what it has when the session has ended, and when it logs out", async () => {
  await session.call("POST", "/v1/auth/logout-all");
  expireAccessTokens();
  expect((await session.call("GET", ME)).status).toBe(401);
  expect(stored).toEqual([]);
  setSystemTime();
  await session.post("/v1/auth/login", { email, password: PASSWORD });
  await session.logOut();
  expect([stored, (await session.call("GET", ME)).status]).toEqual([[], 401]);
});

test("is known again by what it has kept beside the refresh token, also after a log-out", async () => {
  let token: string | null = null;
  const known: Known = {
    read: async () => token,
    write: async (given) => {
      token = given;
    },
  };
  const asked = createSession(keychain, DEVICE, known);
  await asked.post("/v1/auth/login", { email, password: PASSWORD });
  const first = token;
  expect(first).toMatch(/^[A-Za-z0-9_-]{64}$/);
  await asked.logOut();
  await asked.post("/v1/auth/login", { email, password: PASSWORD });
  expect(token).toBe(first);
});
