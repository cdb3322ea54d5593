/** PERMISSIONS_FILE: what a start makes of it. */
import { afterAll, beforeEach, expect, test } from "bun:test";
import { randomBytes } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { declareAll } from "../../src/roles/declare-all.ts";
import { faultOfPermissionsFile, readPermissionsFile } from "../../src/roles/permissions-file.ts";
import { startServer } from "../server/start.ts";
import { createSuperAdmin, registerOwner, testApp } from "../support/app.ts";
import { as, createRole, permissionsOf } from "./roles.ts";

const ROOT = join(import.meta.dir, "..", "..");
const home = mkdtempSync(join(tmpdir(), "tenantry-permissions-"));
const file = join(home, "permissions.json");
afterAll(() => rmSync(home, { recursive: true }));

const app = testApp();
let logged: [level: string, message: string, fields: unknown][];
beforeEach(async () => {
  logged = [];
  await app.deps.pool.query("DELETE FROM role_permissions WHERE permission_key LIKE '%:%:%'");
  await app.deps.pool.query("DELETE FROM permissions WHERE key LIKE '%:%:%'");
});

const READ = { key: "acme:invoice:read", description: "See invoices", heldFrom: "member" };
const APPROVE = { key: "acme:invoice:approve", description: "Approve invoices" };

/** As a start does. */
function start(...permissions: object[]): Promise<void> {
  writeFileSync(file, JSON.stringify({ permissions }));
  const log = (...entry: [string, string, unknown]) => void logged.push(entry);
  return declareAll({ ...app.served, log: log as never }, readPermissionsFile(file));
}
async function declared(): Promise<object[]> {
  const { rows } = await app.deps.pool.query(
    "SELECT key, description FROM permissions WHERE key LIKE '%:%:%' ORDER BY key",
  );
  return rows;
}
async function audited(): Promise<object[]> {
  const where = { resourceType: "permission" };
  const rows = await app.deps.db.auditLog.findMany({ where, orderBy: { createdAt: "asc" } });
  return rows.map(({ action, actorId, details }) => ({ action, actorId, ...(details as object) }));
}

test("a start declares what the file has, and describes anew what it has otherwise", async () => {
  const owner = await registerOwner(app);
  await permissionsOf(app, owner);
  const before = (await audited()).length;
  await start(READ, APPROVE);
  expect(await permissionsOf(app, owner)).toEqual(expect.arrayContaining([READ.key, APPROVE.key]));
  await start(READ, { ...APPROVE, description: "Sign invoices", heldFrom: "owner" });
  expect(await declared()).toEqual([
    { key: APPROVE.key, description: "Sign invoices" },
    { key: READ.key, description: "See invoices" },
  ]);
  await start(READ, { ...APPROVE, description: "Sign invoices", heldFrom: "owner" });
  const source = "PERMISSIONS_FILE";
  expect((await audited()).slice(before)).toEqual([
    { action: "permission.declared", actorId: null, ...READ, source },
    { action: "permission.declared", actorId: null, ...APPROVE, heldFrom: "admin", source },
    {
      action: "permission.changed",
      actorId: null,
      key: APPROVE.key,
      changes: {
        description: { before: "Approve invoices", after: "Sign invoices" },
        heldFrom: { before: "admin", after: "owner" },
      },
      source,
    },
  ]);
  expect(logged).toEqual([]);
});

test("what left the file stays, with whoever holds it, and the log names it", async () => {
  const owner = await registerOwner(app);
  await start(READ, APPROVE);
  const role = await createRole(app, owner, [APPROVE.key]);
  await start(READ);
  expect(await declared()).toHaveLength(2);
  const { body } = await as(app, owner)(`GET /v1/roles/${role.id}`);
  expect(body.permissions).toEqual([APPROVE.key]);
  expect(logged).toEqual([
    [
      "info",
      "permissions that are declared and not in PERMISSIONS_FILE",
      { keys: [APPROVE.key], advice: expect.stringContaining("DELETE /v1/permissions/") },
    ],
  ]);
});

test("of instances that start at once each is done once", async () => {
  const before = (await audited()).length;
  const many = Array.from({ length: 20 }, (_, n) => ({ ...APPROVE, key: `acme:thing:n${n}` }));
  await Promise.all([start(...many), start(...many), start(...many)]);
  expect(await declared()).toHaveLength(20);
  expect((await audited()).length - before).toBe(20);
});

test("what the data does not let be done is logged, the rest is done, and the start goes on", async () => {
  const owner = await registerOwner(app);
  await start(APPROVE);
  await createRole(app, owner, [APPROVE.key]);
  await start({ ...APPROVE, heldFrom: "super_admin" }, READ);
  expect(await declared()).toHaveLength(2);
  expect(logged).toEqual([
    [
      "error",
      "a permission is not as PERMISSIONS_FILE has it",
      { key: APPROVE.key, reason: expect.stringContaining("Roles of tenants hold it") },
    ],
  ]);
});

test("the routes and the file make the same, and the file has the last word at the next start", async () => {
  const root = await createSuperAdmin(app);
  await start(APPROVE);
  const path = `/v1/permissions/${APPROVE.key}`;
  await as(app, root)(`PATCH ${path}`, { description: "By hand" });
  await start(APPROVE);
  expect((await as(app, root)(`GET ${path}`)).body.description).toBe(APPROVE.description);
});

test.each([
  ["no file", null, /no-such\.json: there is no such file$/],
  ["a folder", home, /cannot be read \(EISDIR\)$/],
  ["no JSON", "{permissions: []}", /is no JSON \(/],
  ["no object", "[]", /permissions\.json: /],
  ["another field", { permissions: [], permission: [] }, /permission: Unknown field/],
  [
    "Tenantry's own",
    { permissions: [{ ...READ, key: "user:create" }] },
    /permissions\.0\.key: An application's/,
  ],
  [
    "the namespace that is kept",
    { permissions: [{ ...READ, key: "tenantry:a:b" }] },
    /permissions\.0\.key: The namespace/,
  ],
  [
    "no description",
    { permissions: [APPROVE, { key: READ.key }] },
    /permissions\.1\.description: /,
  ],
  [
    "a role that there is not",
    { permissions: [{ ...READ, heldFrom: "auditor" }] },
    /permissions\.0\.heldFrom: /,
  ],
  [
    "one of them twice",
    { permissions: [READ, APPROVE, READ] },
    /acme:invoice:read is there twice$/,
  ],
] as const)("a start refuses %s, and says where", (_, content, message) => {
  const path = content === null ? join(home, "no-such.json") : content === home ? home : file;
  if (path === file)
    writeFileSync(file, typeof content === "string" ? content : JSON.stringify(content));
  expect(faultOfPermissionsFile(path)).toMatch(message);
});

test("it is taken with a byte order mark", () => {
  writeFileSync(file, `\uFEFF${JSON.stringify({ permissions: [APPROVE] })}\r\n`);
  expect(readPermissionsFile(file)).toEqual([{ ...APPROVE, heldFrom: "admin" }]);
  expect(faultOfPermissionsFile(file)).toBeNull();
});

test("the server says what is wrong with the file, and does not start", async () => {
  writeFileSync(file, JSON.stringify({ permissions: [{ ...READ, key: "invoice:read" }] }));
  const server = Bun.spawn([process.execPath, "--no-env-file", "src/index.ts"], {
    cwd: ROOT,
    env: {
      ...process.env,
      DATABASE_URL: "postgresql://nobody@127.0.0.1:1/none",
      SECRET_KEY: randomBytes(32).toString("base64"),
      PERMISSIONS_FILE: file,
    },
    stdout: "pipe",
    stderr: "pipe",
  });
  expect(await server.exited).toBe(1);
  const said = await server.stderr.text();
  expect(said).toContain(`  PERMISSIONS_FILE: ${file}: permissions.0.key: An application's`);
});

test("two servers that start at once have declared it, once, before they answer", async () => {
  writeFileSync(file, JSON.stringify({ permissions: [READ, APPROVE] }));
  const before = (await audited()).length;
  const env = { DATABASE_URL: app.database.appUrl, PERMISSIONS_FILE: file, RATE_LIMITS: "off" };
  const SECRET_KEY = app.deps.config.secretKey.toString("base64");
  // The owner of the database puts a super admin into it for each.
  const LISTEN_DATABASE_URL = app.database.url;
  const start = () => startServer({ ...env, SECRET_KEY, LISTEN_DATABASE_URL });
  const servers = await Promise.all([start(), start()]);
  try {
    expect(await declared()).toHaveLength(2);
    expect((await audited()).length - before).toBe(2);
  } finally {
    for (const server of servers) await server.stop();
  }
});
