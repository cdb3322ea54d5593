import { afterAll, beforeAll, expect, test } from "bun:test";
import { existsSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import pg from "pg";
import { PERMISSIONS } from "../../src/roles/permissions.ts";
import { createDatabase } from "../support/postgres.ts";
import { type Checkout, createCheckout, type Dev } from "./checkout.ts";

const READY = "Ctrl-C stops it";
const ACCOUNT = {
  email: "kept@example.com",
  password: "correct horse battery staple",
  tenant: { name: "Kept", slug: "kept" },
};

let checkout: Checkout;
beforeAll(() => {
  checkout = createCheckout();
});
afterAll(() => checkout.remove());

test("bun dev serves with demo data, keeps its data, and recovers from being killed", async () => {
  const first = await checkout.dev();
  await first.prints(READY);
  expect((await logIn(first, "owner@acme.example", "tenantry-demo-password")).status).toBe(200);
  expect((await post(first, "/v1/auth/register", ACCOUNT)).status).toBe(201);

  const second = await checkout.dev({ PORT: String(first.port) });
  expect(await second.stop("SIGCONT")).toBe(1);
  expect(second.output()).toContain(`Port ${first.port} is taken`);

  await first.stop("SIGKILL");
  // Its database lives on; killed as well, it leaves a stale lock file.
  const lock = join(checkout.path, ".data", "postgres", "postmaster.pid");
  process.kill(Number(readFileSync(lock, "utf8").split("\n")[0]), "SIGKILL");
  const third = await checkout.dev({ DEMO_PASSWORD: "another demo password" });
  await third.prints(READY);
  expect((await logIn(third, ACCOUNT.email, ACCOUNT.password)).status).toBe(200);
  expect((await logIn(third, "owner@acme.example", "another demo password")).status).toBe(200);

  expect(await third.stop("SIGINT")).toBe(0);
  expect(existsSync(lock)).toBe(false);
}, 120_000);

test("bun dev with DATABASE_URL uses that server and starts none", async () => {
  const database = await createDatabase({ template: false });
  const given = await checkout.dev({ DATABASE_URL: database.url });
  await given.prints(READY);
  expect(given.output()).toContain("(DATABASE_URL)");
  expect(given.output()).not.toContain(new URL(database.url).password);
  await given.stop("SIGTERM");

  const client = new pg.Client({ connectionString: database.url });
  await client.connect();
  const { rows } = await client.query(`
    SELECT (SELECT count(*)::int FROM tenants) AS tenants, (SELECT count(*)::int FROM users) AS users,
      (SELECT count(*)::int FROM roles) AS roles, (SELECT count(*)::int FROM permissions) AS permissions`);
  await client.end();
  await database.drop();
  expect(rows).toEqual([{ tenants: 2, users: 5, roles: 5, permissions: PERMISSIONS.length }]);
});

test("a database that does not answer is one clear message, not a hang", async () => {
  const nowhere = await checkout.dev({
    DATABASE_URL: "postgresql://nobody:secret@127.0.0.1:1/none",
  });
  await nowhere.prints("P1001");
  expect(nowhere.output()).not.toContain("secret");
});

test("the secrets of a checkout are its own and not readable by others", () => {
  const data = join(checkout.path, ".data");
  expect(Buffer.from(readFileSync(join(data, "secret-key"), "utf8"), "base64").length).toBe(32);
  for (const name of ["secret-key", "server-password", "postgres.password", "dev.url"])
    expect([name, statSync(join(data, name)).mode & 0o077]).toEqual([name, 0]);
});

test("R60: the server's login has a secret of its own, and the owner's does not open it", async () => {
  const [own, owners] = ["server-password", "postgres.password"].map((name) =>
    readFileSync(join(checkout.path, ".data", name), "utf8"),
  );
  expect(own?.length).toBe(32);
  expect(own).not.toBe(owners);
});

function logIn(dev: Dev, email: string, password: string): Promise<Response> {
  return post(dev, "/v1/auth/login", { email, password });
}

function post(dev: Dev, path: string, body: unknown): Promise<Response> {
  return fetch(`http://127.0.0.1:${dev.port}${path}`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(body),
  });
}
