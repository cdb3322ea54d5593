/** Three instances on one database, which sign and verify each other's tokens while keys come and go. */
import { afterAll, beforeAll, describe, expect, setSystemTime, test } from "bun:test";
import { decodeJwt, decodeProtectedHeader, SignJWT } from "jose";
import { createJobHandlers } from "../../src/job-handlers.ts";
import { replaceSigningKeys, rotateSigningKeys } from "../../src/signing-keys/rotate.ts";
import {
  type Account,
  createSuperAdmin,
  createTestApp,
  logIn,
  type TestApp,
} from "../support/app.ts";
import { privateKeyOf } from "../support/signing-key.ts";

const TTL_SECONDS = 3;

let apps: [TestApp, TestApp, TestApp];
let account: Account;
beforeAll(async () => {
  const first = await createTestApp({ ACCESS_TOKEN_TTL_SECONDS: String(TTL_SECONDS) });
  const another = () =>
    createTestApp({
      ACCESS_TOKEN_TTL_SECONDS: String(TTL_SECONDS),
      DATABASE_URL: first.database.appUrl,
      SECRET_KEY: first.deps.config.secretKey.toString("base64"),
    });
  apps = [first, await another(), await another()];
  account = await createSuperAdmin(first);
});
afterAll(async () => {
  for (const app of apps.toReversed()) await app.close();
});

async function me(app: TestApp, token: string) {
  return (await app.call("GET /v1/auth/me", { token })).status;
}

async function keyIds(app: TestApp): Promise<string[]> {
  const { body } = await app.call("GET /.well-known/jwks.json");
  return body.keys.map(({ kid }: { kid: string }) => kid);
}

/** A token that has ended on the way, as on a slow machine, tells nothing. */
async function expectAccepted(app: TestApp, token: string, expiresAt: number): Promise<void> {
  const status = await me(app, token);
  const keys = await keyIds(app);
  if (Date.now() >= expiresAt) return;
  expect(status).toBe(200);
  expect(keys).toContain(String(decodeProtectedHeader(token).kid));
}

/** Of each client at least, however slow the machine is. */
const LEAST_VERIFIED = 30;

/** One client: refreshes at one instance after another, and shows each token, while it lives, to all of them. */
async function client(until: number, signers: Set<string>) {
  let { refreshToken } = await logIn(apps[0], account.email);
  const tokens: { token: string; expiresAt: number }[] = [];
  let verified = 0;
  for (let turn = 0; Date.now() < until || verified < LEAST_VERIFIED; turn++) {
    const app = apps[turn % 3] as TestApp;
    const { status, body } = await app.call("POST /v1/auth/refresh", { json: { refreshToken } });
    expect(status).toBe(200);
    refreshToken = body.refreshToken;
    const expiresAt = (decodeJwt(body.accessToken).exp ?? 0) * 1000;
    tokens.push({ token: body.accessToken, expiresAt });
    for (const app of apps) await expectAccepted(app, body.accessToken, expiresAt);

    // An old one as well.
    const living = tokens.filter(({ expiresAt }) => expiresAt > Date.now() + 500);
    const some = living[turn % living.length] ?? { token: body.accessToken, expiresAt };
    for (const app of apps) await expectAccepted(app, some.token, some.expiresAt);
    signers.add(String(decodeProtectedHeader(some.token).kid));
    verified += 6;
  }
  return verified;
}

test("R45: under load a rotation costs no request: every token of every instance is accepted by all while it lives", async () => {
  const { db, keyring } = apps[0].deps;
  const before = apps[0].deps.signingKeys.current().id;
  const signers = new Set<string>();
  const until = Date.now() + 8000;
  const clients = Array.from({ length: 4 }, () => client(until, signers));
  await Bun.sleep(1000);
  const { id } = await rotateSigningKeys(db, keyring.signingKey, {
    algorithm: "EdDSA",
    accessTokenTtlSeconds: TTL_SECONDS,
    leadSeconds: 1,
    skewSeconds: 1,
  });
  const verified = await Promise.all(clients);
  expect(verified.reduce((sum, count) => sum + count)).toBeGreaterThan(100);
  expect([...signers].sort()).toEqual([before, id].sort());
  // The old one's time is over at the end, without anybody having read the table again. On a slow machine that comes later.
  const { retiredAt } = await db.signingKey.findUniqueOrThrow({ where: { id: before } });
  await Bun.sleep(Math.max(0, (retiredAt?.getTime() ?? 0) - Date.now()));
  for (const app of apps) expect(await keyIds(app)).toEqual([id]);
});

describe("a retired key", () => {
  test("R45: its token is refused from its time on, and not before, at every instance that hears of it or not", async () => {
    const { db, keyring, signingKeys } = apps[0].deps;
    const { id, algorithm } = signingKeys.current();
    const { accessToken } = await logIn(apps[0], account.email);
    const token = await new SignJWT({ ...decodeJwt(accessToken), exp: Date.now() / 1000 + 3600 })
      .setProtectedHeader({ alg: algorithm, typ: "at+jwt", kid: id })
      .sign(await privateKeyOf(apps[0].deps, id));
    await rotateSigningKeys(db, keyring.signingKey, {
      algorithm: "ES256",
      accessTokenTtlSeconds: TTL_SECONDS,
      leadSeconds: 1,
    });
    const { retiredAt } = await db.signingKey.findUniqueOrThrow({ where: { id } });
    const end = retiredAt?.getTime() ?? 0;
    await Promise.all(apps.map(({ deps }) => deps.signingKeys.reload()));
    try {
      setSystemTime(end - 500);
      for (const app of apps) expect(await me(app, token)).toBe(200);
      setSystemTime(end);
      for (const app of apps) expect(await me(app, token)).toBe(401);
    } finally {
      setSystemTime();
    }
  });

  test("R45: after an emergency rotation every instance refuses its tokens within a second, those it remembers too", async () => {
    const { db, keyring } = apps[1].deps;
    const { accessToken, refreshToken } = await logIn(apps[0], account.email);
    for (const app of apps) expect(await me(app, accessToken)).toBe(200);
    const { id } = await replaceSigningKeys(db, keyring.signingKey, { algorithm: "ES256" });
    const end = Date.now() + 1000;
    const refused = async () =>
      (await Promise.all(apps.map((app) => me(app, accessToken)))).every(
        (status) => status === 401,
      );
    while (!(await refused()) && Date.now() < end) await Bun.sleep(5);
    expect(await refused()).toBe(true);

    for (const app of apps) expect(await keyIds(app)).toEqual([id]);
    const { status, body } = await apps[2].call("POST /v1/auth/refresh", {
      json: { refreshToken },
    });
    expect(status).toBe(200);
    for (const app of apps) expect(await me(app, body.accessToken)).toBe(200);
  });
});

test("R45: the job of an instance publishes the next key when the one there is has grown old, and all show it", async () => {
  const { deps } = apps[2];
  const { id } = deps.signingKeys.current();
  const old = new Date(Date.now() - 30 * 24 * 3600_000);
  await deps.db.signingKey.updateMany({
    where: { id },
    data: { createdAt: old, activatesAt: old },
  });
  const ignore = async () => {};
  const handlers = { ...createJobHandlers(deps), mail: ignore, mail_request: ignore };
  await deps.jobs.send("signing_keys", null);
  await deps.jobs.drain(handlers);
  for (const app of apps) {
    const end = Date.now() + 1000;
    while ((await keyIds(app)).length < 2 && Date.now() < end) await Bun.sleep(5);
    const [next, current, ...others] = await keyIds(app);
    expect([typeof next, current, others]).toEqual(["string", id, []]);
    expect(app.deps.signingKeys.current().id).toBe(id);
  }
});
