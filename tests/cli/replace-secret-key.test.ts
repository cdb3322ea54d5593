/**
 * SECRET_KEY replaced as docs/operations/keys.md says, twice, while two instances run and restart one after the other, and with
 * a "keys reencrypt" that is broken off: nobody is logged out, nothing is lost, and the audit log stays as it was sealed.
 */
import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { randomBytes } from "node:crypto";
import { join } from "node:path";
import { sealAuditLog } from "../../src/audit/seal.ts";
import { encrypt } from "../../src/crypto/secret.ts";
import { newId } from "../../src/db/id.ts";
import { createKey, type Key, use } from "../api-keys/keys.ts";
import { tokenIn } from "../auth/mails/mails.ts";
import {
  type Account,
  createTestApp,
  PASSWORD,
  registerOwner,
  type TestApp,
} from "../support/app.ts";
import { enrolTotp, forgetSteps, totpCode } from "../support/factors.ts";
import { createDatabase, type TestDatabase } from "../support/postgres.ts";
import { runCommand } from "./command.ts";

// Each command is a process of its own.
setDefaultTimeout(180_000);

const ROOT = join(import.meta.dir, "..", "..");
const [K1 = "", K2 = "", K3 = ""] = [1, 2, 3].map(() => randomBytes(32).toString("base64"));
/** More than one is renewed before somebody can break it off. */
const APPS = 1500;

type Env = Record<string, string>;
const withKeys = (current: string, previous?: string): Env => ({
  SECRET_KEY: current,
  ...(previous !== undefined && { SECRET_KEY_PREVIOUS: previous }),
});

let database: TestDatabase;
let owner: Account;
let secret: string;
let key: Key;
let refreshToken: string;
let noted: string;
beforeAll(async () => {
  database = await createDatabase();
  const app = await instance(withKeys(K1));
  owner = await registerOwner(app);
  key = await createKey(app, owner);
  ({ secret } = await enrolTotp(app, owner));
  refreshToken = owner.refreshToken;
  const { head } = await sealAuditLog(app.deps);
  noted = `${head?.seq}:${head?.hash}`;
  const data = Array.from({ length: APPS }, () => {
    const id = newId();
    const sealed = encrypt(app.deps.keyring.data, "JBSWY3DPEHPK3PXP", id);
    return { id, accountId: owner.id, secret: Uint8Array.from(sealed) };
  });
  await app.deps.db.totpFactor.createMany({ data });
  await app.close();
});
afterAll(() => database.drop());

function instance(env: Env): Promise<TestApp> {
  return createTestApp(
    { ...env, DATABASE_URL: database.appUrl },
    { ...database, drop: async () => {} },
  );
}

const command = (name: "audit" | "keys", args: string[], env: Env) =>
  runCommand(name, args, { DATABASE_URL: database.appUrl, ...env });

/** The chain of refresh tokens goes on at each instance, a lost answer is given again at the other, and both seal. */
async function expectAlive(instances: readonly { app: TestApp; env: Env }[]): Promise<void> {
  for (const { app, env } of instances) {
    const { app: other = app } = instances.find((one) => one.app !== app) ?? {};
    const answers = [];
    for (const asked of [app, other])
      answers.push(await asked.call("POST /v1/auth/refresh", { json: { refreshToken } }));
    expect(answers.map(({ status }) => status)).toEqual([200, 200]);
    const [first, again] = answers.map(({ body }) => body.refreshToken);
    expect(again).toBe(first);
    refreshToken = first;
    expect(await use(other, key)).toBe(200);
    await sealAuditLog(app.deps);
    const verified = await command("audit", ["verify", "--head", noted], env);
    expect([verified.code, verified.out]).toEqual([0, expect.stringMatching(/^Intact: /)]);
  }
}

/** Begins it, and kills it in the middle. */
async function breakOff(env: Env): Promise<void> {
  const child = Bun.spawn([process.execPath, "--no-env-file", "src/cli/keys.ts", "reencrypt"], {
    cwd: ROOT,
    env: { PATH: process.env.PATH ?? "", DATABASE_URL: database.appUrl, ...env },
    stdio: ["ignore", "ignore", "ignore"],
  });
  const before = await prefixes();
  while ((await prefixes()) === before) await Bun.sleep(2);
  child.kill("SIGKILL");
  await child.exited;
}

/** By how many keys the secrets of apps are encrypted: values begin with the key's id. */
async function prefixes(): Promise<number> {
  const { rows } = await connected.deps.pool.query<{ count: number }>(
    "SELECT count(DISTINCT substring(secret, 1, 4))::int AS count FROM totp_factors",
  );
  return rows[0]?.count ?? 0;
}
let connected: TestApp;

async function replace(from: string, to: string): Promise<void> {
  const start = async (env: Env) => ({ app: await instance(env), env });
  let running = [await start(withKeys(from)), await start(withKeys(from))] as const;
  for (const env of [withKeys(from, to), withKeys(to, from)]) {
    for (const at of [0, 1] as const) {
      await running[at].app.close();
      const next = await start(env);
      running = at === 0 ? [next, running[1]] : [running[0], next];
      await expectAlive(running);
    }
  }
  connected = running[0].app;
  // In step 1 the old one is SECRET_KEY: then nothing is won, and that is said.
  const early = await command("keys", ["reencrypt"], withKeys(from, to));
  expect([early.code, early.out]).toEqual([0, expect.stringContaining("came too early")]);
  await breakOff(withKeys(to, from));
  expect(await prefixes()).toBe(2);
  await running[1].app.close();
  running = [running[0], await start(withKeys(to, from))];
  await expectAlive(running);

  const done = await command("keys", ["reencrypt"], withKeys(to, from));
  expect([done.code, done.err]).toEqual([0, ""]);
  expect(done.out).toMatch(
    /^authenticator apps: [1-9]\d* encrypted anew, [1-9]\d* were up to date$/m,
  );
  expect(done.out).not.toContain("came too early");
  const again = await command("keys", ["reencrypt", "--json"], withKeys(to, from));
  const { complete, values } = JSON.parse(again.out);
  expect([complete, values.every(({ renewed }: { renewed: number }) => renewed === 0)]).toEqual([
    true,
    true,
  ]);
  for (const at of [0, 1] as const) {
    await running[at].app.close();
    const next = await start(withKeys(to));
    running = at === 0 ? [next, running[1]] : [running[0], next];
    await expectAlive(running);
  }
  await Promise.all(running.map(({ app }) => app.close()));
}

test("once: every step, every restart, and what broke off in between", async () => {
  await replace(K1, K2);
});

test("a request that is sent again within the day gets its answer from either key, and a mail that waited goes out", async () => {
  const json = { email: "new@members.example", roles: ["member"] };
  const headers = { "idempotency-key": '"0d5f5f5e-replaced"' };
  const send = async (env: Env) => {
    const app = await instance(env);
    const login = await app.call("POST /v1/auth/refresh", { json: { refreshToken } });
    refreshToken = login.body.refreshToken;
    const token = login.body.accessToken;
    const { status, body } = await app.call("POST /v1/users", { token, json, headers });
    await app.call("POST /v1/auth/forgot-password", { json: { email: owner.email } });
    return { app, status, id: body.id };
  };
  const before = await send(withKeys(K2));
  await before.app.close();
  expect(before.status).toBe(201);
  for (const env of [withKeys(K2, K3), withKeys(K3, K2)]) {
    const { app, ...answer } = await send(env);
    expect(answer).toEqual({ status: 201, id: before.id });
    await app.close();
  }
  const app = await instance(withKeys(K2, K3));
  expect(tokenIn(await app.lastMailTo(owner.email))).toHaveLength(43);
  await app.close();
});

test("twice: the seals of the first key are still known, and whoever has the first alone is told so", async () => {
  await replace(K2, K3);
  expect(await command("audit", ["verify"], withKeys(K3))).toMatchObject({ code: 0 });
  for (const old of [withKeys(K1), withKeys(K2, K1)]) {
    const told = await command("audit", ["verify"], old);
    expect([told.code, told.err]).toEqual([3, ""]);
    expect(told.out).toStartWith("Cannot tell. This was sealed with a key that is not at hand");
    expect(JSON.parse((await command("audit", ["verify", "--json"], old)).out).state).toBe(
      "key_missing",
    );
    const refused = await command("keys", ["reencrypt"], old);
    expect([refused.code, refused.err]).toEqual([1, expect.stringContaining("needs both")]);
  }
  const app = await instance(withKeys(K3));
  try {
    await forgetSteps(app, owner);
    const json = { email: owner.email, password: PASSWORD };
    const { mfaToken } = (await app.call("POST /v1/auth/login", { json })).body;
    const second = { mfaToken, method: "totp", code: totpCode(secret) };
    expect((await app.call("POST /v1/auth/mfa/verify", { json: second })).status).toBe(200);
  } finally {
    await app.close();
  }
});
