/**
 * `bun run platform restored`: a database that is really brought back to an older state, by a copy that was made then. What
 * was ended in between is alive again there, and dead after the command.
 */
import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { randomBytes } from "node:crypto";
import pg from "pg";
import { sealAuditLog } from "../../src/audit/seal.ts";
import { createKey, createService, type Key, use } from "../api-keys/keys.ts";
import { tokenIn } from "../auth/mails/mails.ts";
import { accept, type Invited, invited } from "../invitations/invitations.ts";
import {
  type Account,
  createTestApp,
  logIn,
  PASSWORD,
  registerOwner,
  type TestApp,
} from "../support/app.ts";
import { createDatabase, type TestDatabase } from "../support/postgres.ts";
import { runCommand } from "./command.ts";

// Databases are copied, and each command is a process of its own.
setDefaultTimeout(120_000);

const NEW_PASSWORD = "another horse battery staple";
const SECRET_KEY = randomBytes(32).toString("base64");

let database: TestDatabase;
let env: Record<string, string>;
let owner: Account;
/** What was ended, used or revoked after the backup. */
let stolen: Account;
let other: Account;
/** Logged in after the backup: their session is nowhere. */
let unheard: Account;
let resetToken: string;
let invitation: Invited;
let key: Key;
/** The last seals at the backup, and when the newest row that is lost was sealed. */
let heads: { backup: string; lost: string };

beforeAll(async () => {
  database = await createDatabase();
  env = { DATABASE_URL: database.appUrl, SECRET_KEY };
  await withApp(async (app) => {
    owner = await registerOwner(app);
    [stolen, other] = [await logIn(app, owner.email), await logIn(app, owner.email)];
    const service = await createService(app, owner);
    key = await createKey(app, owner, { userId: service.id });
    invitation = await invited(app, owner);
    await app.call("POST /v1/auth/forgot-password", { json: { email: owner.email } });
    resetToken = tokenIn(await app.lastMailTo(owner.email));
    const { head } = await sealAuditLog(app.deps);
    // Rows that have no seal yet are in every backup.
    await logIn(app, owner.email);
    await app.deps.jobs.send("notice", { template: "password_changed" });
    heads = { backup: `${head?.seq}:${head?.hash}`, lost: "" };
  });
  await copyDatabase(database.name, `${database.name}_backup`);

  await withApp(async (app) => {
    const { status } = await refresh(app, stolen.refreshToken);
    expect(status).toBe(200);
    await app.call("POST /v1/auth/logout-all", { token: owner.accessToken });
    const again = await logIn(app, owner.email);
    await app.call(`DELETE /v1/api-keys/${key.id}`, { token: again.accessToken });
    await app.call(`DELETE /v1/invitations/${invitation.id}`, { token: again.accessToken });
    const reset = { token: resetToken, newPassword: NEW_PASSWORD };
    expect((await app.call("POST /v1/auth/reset-password", { json: reset })).status).toBe(204);
    expect(await use(app, key)).toBe(401);
    expect((await refresh(app, other.refreshToken)).status).toBe(401);
    for (let n = 0; n < 5; n++) unheard = await logIn(app, owner.email, NEW_PASSWORD);
    const { head } = await sealAuditLog(app.deps);
    heads.lost = `${head?.seq}:${head?.hash}`;
  });
  await restore();
});
afterAll(async () => {
  await onServer(`DROP DATABASE IF EXISTS ${database.name}_backup WITH (FORCE)`);
  await database.drop();
});

/** An instance that ends, so that its database can be copied. */
async function withApp<T>(work: (app: TestApp) => Promise<T>): Promise<T> {
  const app = await createTestApp({ SECRET_KEY }, { ...database, drop: async () => {} });
  try {
    return await work(app);
  } finally {
    await app.close();
  }
}

async function onServer(sql: string): Promise<void> {
  const url = new URL(database.url);
  url.pathname = "/postgres";
  const client = new pg.Client({ connectionString: url.href });
  await client.connect();
  await client.query(sql).finally(() => client.end());
}

const copyDatabase = (from: string, to: string) =>
  onServer(`CREATE DATABASE ${to} TEMPLATE ${from}`);

async function restore(): Promise<void> {
  await onServer(`DROP DATABASE ${database.name} WITH (FORCE)`);
  await copyDatabase(`${database.name}_backup`, database.name);
}

const refresh = (app: TestApp, refreshToken: string) =>
  app.call("POST /v1/auth/refresh", { json: { refreshToken } });
const platform = (...args: string[]) => runCommand("platform", args, env);
const verify = (...args: string[]) => runCommand("audit", ["verify", ...args], env);

test("without the command all of it is good again, and a noted seal looks cut off", async () => {
  await withApp(async (app) => {
    expect((await refresh(app, stolen.refreshToken)).status).toBe(200);
    expect((await refresh(app, other.refreshToken)).status).toBe(200);
    expect((await app.call("GET /v1/auth/me", { token: stolen.accessToken })).status).toBe(200);
    expect(await use(app, key)).toBe(200);
    expect(await use(app, unheard.accessToken)).toBe(200);
    const inspected = { json: { token: invitation.token } };
    expect((await app.call("POST /v1/invitations/inspect", inspected)).status).toBe(200);
    expect((await logIn(app, owner.email, PASSWORD)).id).toBe(owner.id);
  });
  expect(await verify("--head", heads.lost)).toMatchObject({
    code: 2,
    out: expect.stringMatching(/^Broken\. the seals after number \d+ are missing\.\n$/),
  });
  await restore();
});

test("after it all of it is dead, people log in anew, and the log tells the restore from tampering", async () => {
  const done = await platform("restored", "--yes");
  expect([done.code, done.err]).toEqual([0, ""]);
  expect(done.out).toMatch(
    /^The database was brought back to seal \d+ of the audit log, which says so\. Ended:\n {2}4 sessions/,
  );
  for (const line of [
    "1 API keys",
    "2 links, codes and half-finished log-ins",
    "1 open invitations",
    "1 mails that waited",
  ])
    expect(done.out).toContain(line);
  const head = /Last seal.*: (\d+:[0-9a-f]{64})\n$/.exec(done.out)?.[1] ?? "";

  await withApp(async (app) => {
    for (const account of [owner, stolen, other]) {
      expect((await refresh(app, account.refreshToken)).status).toBe(401);
      const me = await app.call("GET /v1/auth/me", { token: account.accessToken });
      expect(me.status).toBe(401);
    }
    expect(await use(app, key)).toBe(401);
    expect(await use(app, unheard.accessToken)).toBe(401);
    const json = { token: resetToken, newPassword: NEW_PASSWORD };
    expect((await app.call("POST /v1/auth/reset-password", { json })).status).toBe(400);
    expect((await accept(app, invitation.token)).status).toBe(400);
    // Everything else is as it was, and goes on.
    const { accessToken } = await logIn(app, owner.email);
    const resent = await app.call(`POST /v1/invitations/${invitation.id}/resend`, {
      token: accessToken,
    });
    expect(resent.status).toBe(200);
    const token = tokenIn(await app.lastMailTo(invitation.email));
    expect((await accept(app, token)).status).toBe(201);
  });

  const plain = await verify();
  expect([plain.code, plain.out]).toEqual([
    0,
    expect.stringMatching(
      /^Intact: [^\n]+\nRestored: on \S+ the database was brought back to seal/,
    ),
  ]);
  expect(await verify("--head", heads.lost)).toMatchObject({
    code: 4,
    out: expect.stringMatching(/^Restored, and not broken: /),
  });
  expect(JSON.parse((await verify("--json", "--head", heads.lost)).out)).toMatchObject({
    state: "restored",
    restore: { seq: Number(heads.backup.split(":")[0]) },
  });
  for (const noted of [heads.backup, head]) expect((await verify("--head", noted)).code).toBe(0);

  const rows = await query(
    "SELECT tenant_id, actor_id, details FROM audit_log WHERE action = 'database.restored'",
  );
  expect(rows).toMatchObject([
    { tenant_id: null, actor_id: null, details: { ended: { sessions: 4, apiKeys: 1 } } },
  ]);
});

test("the second time it does nothing; said again, or brought back again, it does", async () => {
  const { refreshToken } = await withApp((app) => logIn(app, owner.email));
  const second = await platform("restored", "--yes");
  expect([second.code, second.out]).toEqual([0, expect.stringMatching(/^Nothing was done: /)]);
  await withApp(async (app) => {
    expect((await refresh(app, refreshToken)).status).toBe(200);
  });
  const again = await platform("restored", "--yes", "--again", "--json");
  expect(JSON.parse(again.out)).toMatchObject({ done: true, ended: { apiKeys: 0 } });
  await withApp(async (app) => {
    expect((await refresh(app, refreshToken)).status).toBe(401);
  });
  await copyDatabase(database.name, `${database.name}_later`);
  await onServer(`DROP DATABASE ${database.name} WITH (FORCE)`);
  await onServer(`ALTER DATABASE ${database.name}_later RENAME TO ${database.name}`);
  const third = await platform("restored", "--yes", "--keep-api-keys", "--json");
  expect(JSON.parse(third.out)).toMatchObject({ done: true, ended: { apiKeys: 0 } });
  const { out, code } = await verify("--json");
  expect(code).toBe(0);
  expect(JSON.parse(out).restores).toHaveLength(3);
});

test("R63: who has the database and not the key declares no restore, and what is cut off after one is missed", async () => {
  const intact = JSON.parse((await verify("--json")).out);
  const head = `${intact.head.seq}:${intact.head.hash}`;
  const cut = `DELETE FROM audit_log WHERE id IN (SELECT audit_id FROM audit_seals WHERE seq = ${intact.head.seq});
    DELETE FROM audit_seals WHERE seq = ${intact.head.seq}`;
  const { details } = (
    await query(
      "SELECT details FROM audit_log WHERE action = 'database.restored' ORDER BY created_at DESC LIMIT 1",
    )
  )[0] as { details: { mark: { seq: number } } };
  const forged = { ...details, mark: { ...details.mark, seq: details.mark.seq - 1 } };
  const insert = `INSERT INTO audit_log (id, action, resource_type, details)
    VALUES (gen_random_uuid(), 'database.restored', 'database', '${JSON.stringify(forged)}')`;
  await byForce(insert);
  expect(await verify()).toMatchObject({
    code: 2,
    out: expect.stringContaining("the row tells of a restore that nobody with the key has made"),
  });
  await byForce("DELETE FROM audit_log WHERE created_at = (SELECT max(created_at) FROM audit_log)");
  expect((await verify()).code).toBe(0);
  await byForce(cut);
  expect(await verify("--head", head)).toMatchObject({
    code: 2,
    out: expect.stringContaining("are missing"),
  });
});

function byForce(sql: string): Promise<unknown> {
  return query(
    `SET session_replication_role = replica; ${sql}; SET session_replication_role = origin`,
  );
}

async function query(sql: string): Promise<Record<string, unknown>[]> {
  const client = new pg.Client({ connectionString: database.url });
  await client.connect();
  return (await client.query(sql).finally(() => client.end())).rows;
}
