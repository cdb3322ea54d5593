/** Replacing SECRET_KEY step by step, while instances run and nobody is logged out. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { createCipheriv, randomBytes } from "node:crypto";
import { type Reencryption, reencrypt } from "../../src/crypto/reencrypt.ts";
import { decrypt, deriveKeyring, encrypt, hashToken } from "../../src/crypto/secret.ts";
import { commit } from "../../src/db/commit.ts";
import { newId } from "../../src/db/id.ts";
import { issueOneTimeToken } from "../../src/one-time-tokens/issue.ts";
import { findByCode, redeemToken } from "../../src/one-time-tokens/redeem.ts";
import {
  type Account,
  createSuperAdmin,
  createTestApp,
  logIn,
  type TestApp,
} from "../support/app.ts";

const oldKey = randomBytes(32);
const newKey = randomBytes(32);
const secret = (current: Buffer, previous?: Buffer) => ({
  SECRET_KEY: current.toString("base64"),
  ...(previous && { SECRET_KEY_PREVIOUS: previous.toString("base64") }),
});

let old: TestApp;
let account: Account;
beforeAll(async () => {
  old = await createTestApp(secret(oldKey));
  account = await createSuperAdmin(old);
});
afterAll(() => old.close());

/** Another instance on the same database. Its own pool only: the database is the first one's to drop. */
async function withInstance<T>(
  env: Record<string, string>,
  work: (app: TestApp) => Promise<T>,
): Promise<T> {
  const database = { ...old.database, drop: async () => {} };
  const app = await createTestApp({ DATABASE_URL: old.database.appUrl, ...env }, database);
  try {
    return await work(app);
  } finally {
    await app.close();
  }
}

async function refresh(app: TestApp, refreshToken: string): Promise<string> {
  const { status, body } = await app.call("POST /v1/auth/refresh", { json: { refreshToken } });
  expect(status).toBe(200);
  expect((await app.call("GET /v1/auth/me", { token: body.accessToken })).status).toBe(200);
  return body.refreshToken;
}

function total(results: Reencryption[], field: "renewed" | "upToDate" | "unreadable") {
  return results.reduce((sum, result) => sum + result[field], 0);
}

async function addTotpFactor(keys: Parameters<typeof encrypt>[0], legacy = false) {
  const id = newId();
  const sealed = legacy
    ? sealLegacy(keys[0], "JBSWY3DPEHPK3PXP", id)
    : encrypt(keys, "JBSWY3DPEHPK3PXP", id);
  await old.deps.db.totpFactor.create({
    data: { id, accountId: account.id, secret: Uint8Array.from(sealed) },
  });
  return id;
}

function sealLegacy(key: Buffer, text: string, context: string) {
  const nonce = randomBytes(12);
  const cipher = createCipheriv("aes-256-gcm", key, nonce).setAAD(Buffer.from(context));
  const ciphertext = Buffer.concat([cipher.update(text, "utf8"), cipher.final()]);
  return Buffer.concat([nonce, cipher.getAuthTag(), ciphertext]);
}

test("R33: a refresh chain goes on through every step, a retry in the grace window across each of them too", async () => {
  let { refreshToken } = await logIn(old, account.email);
  const steps = [secret(oldKey, newKey), secret(newKey, oldKey)];
  for (const env of steps) {
    await withInstance(env, async (app) => {
      const before = refreshToken;
      refreshToken = await refresh(old, before);
      // The instance that is next to be replaced has answered, and the answer was lost on the way.
      expect(await refresh(app, before)).toBe(refreshToken);
      refreshToken = await refresh(app, refreshToken);
    });
  }
  await withInstance(secret(newKey, oldKey), async (app) => {
    const before = refreshToken;
    refreshToken = await refresh(app, before);
    expect(await withInstance(secret(oldKey, newKey), (other) => refresh(other, before))).toBe(
      refreshToken,
    );
  });
});

test("R33: once the older key is gone, a used token of its time still ends the session, unless it comes at once", async () => {
  const { refreshToken } = await logIn(old, account.email);
  const next = await refresh(old, refreshToken);
  await withInstance(secret(oldKey, newKey), ({ deps }) =>
    reencrypt(deps.pool, deriveKeyring(newKey, oldKey)),
  );
  await withInstance(secret(newKey), async (app) => {
    const replay = () => app.call("POST /v1/auth/refresh", { json: { refreshToken } });
    // The answer cannot be given again, as the key that made it is not there. Nobody stole anything.
    expect((await replay()).status).toBe(401);
    const last = await refresh(app, next);
    await old.deps.pool.query(
      `UPDATE refresh_tokens SET created_at = created_at - interval '1 hour', used_at = used_at - interval '1 hour'
       WHERE session_id = (SELECT session_id FROM refresh_tokens WHERE token_hash = $1)`,
      [hashToken(refreshToken)],
    );
    expect((await replay()).status).toBe(401);
    const ended = await app.call("POST /v1/auth/refresh", { json: { refreshToken: last } });
    expect(ended.status).toBe(401);
  });
  const { rows } = await old.deps.pool.query(
    "SELECT details FROM audit_log WHERE action = 'auth.refresh_token_reused'",
  );
  expect(rows).toEqual([{ details: { userId: account.id, successorUsed: true } }]);
  await withInstance(secret(oldKey, newKey), ({ deps }) =>
    reencrypt(deps.pool, deriveKeyring(oldKey, newKey)),
  );
});

test("a code and a link that the one step hands out are good at the other", async () => {
  const user = { id: account.id, tenantId: null };
  for (const [issuer, redeemer] of [
    [secret(oldKey, newKey), secret(newKey, oldKey)],
    [secret(newKey, oldKey), secret(oldKey, newKey)],
  ] as const) {
    const request = { purpose: "magic_link", user, ttlSeconds: 60, payload: { a: 1 } } as const;
    const challenge = randomBytes(32).toString("base64url");
    const issue = () =>
      withInstance(issuer, ({ deps }) =>
        commit(deps, (tx) =>
          issueOneTimeToken(tx, deps, { ...request, challenge: challenge, withCode: true }),
        ),
      );
    const { code } = await issue();
    await withInstance(redeemer, async ({ deps }) => {
      const redeemed = await findByCode(deps.db, deps, ["magic_link"], { challenge }, String(code));
      expect(redeemed?.payload).toEqual({ a: 1 });
    });
    const { token } = await withInstance(issuer, ({ deps }) =>
      commit(deps, (tx) => issueOneTimeToken(tx, deps, request)),
    );
    await withInstance(redeemer, async ({ deps }) => {
      expect(
        (await commit(deps, (tx) => redeemToken(tx, deps, ["magic_link"], token)))?.payload,
      ).toEqual({ a: 1 });
    });
  }
});

describe("reencrypt", () => {
  const keyring = deriveKeyring(newKey, oldKey);

  test("renews every kind of value once, of whatever age, and then the new key is enough", async () => {
    const { deps } = old;
    const factors = [
      await addTotpFactor(deps.keyring.data),
      await addTotpFactor(deps.keyring.data, true),
      await addTotpFactor(keyring.data),
    ];
    const user = { id: account.id, tenantId: null };
    const { id: tokenId } = await commit(deps, (tx) =>
      issueOneTimeToken(tx, deps, {
        purpose: "change_email",
        user,
        ttlSeconds: 60,
        payload: { a: 1 },
      }),
    );
    await deps.jobs.send("mail", { secret: "link" });

    const first = await reencrypt(deps.pool, keyring);
    expect(total(first, "unreadable")).toBe(0);
    for (const { name, renewed } of first)
      expect([name, renewed]).toEqual([name, expect.any(Number)]);
    const renewed = Object.fromEntries(first.map((result) => [result.name, result.renewed]));
    expect(renewed).toMatchObject({ "signing keys": 1, "authenticator apps": 2, jobs: 1 });
    expect(renewed["one-time tokens"]).toBeGreaterThan(0);

    const again = await reencrypt(deps.pool, keyring);
    expect([total(again, "renewed"), total(again, "unreadable")]).toEqual([0, 0]);

    const alone = deriveKeyring(newKey);
    for (const id of factors) {
      const row = await deps.db.totpFactor.findUniqueOrThrow({ where: { id } });
      expect(decrypt(alone.data, row.secret, id)).toBe("JBSWY3DPEHPK3PXP");
    }
    const token = await deps.db.oneTimeToken.findUniqueOrThrow({ where: { id: tokenId } });
    expect(decrypt(alone.data, token.payload ?? Buffer.of(), tokenId)).toBe('{"a":1}');
    await withInstance(secret(newKey), async (app) => {
      const seen: unknown[] = [];
      const ignore = async () => {};
      await app.deps.jobs.drain({
        mail: async (data) => void seen.push(data),
        notice: ignore,
        mail_request: ignore,
        signing_keys: ignore,
        audit: ignore,
        clean_up: ignore,
      });
      expect(seen).toContainEqual({ secret: "link" });
      await logIn(app, account.email);
    });
    expect((await old.call("GET /v1/auth/me", { token: account.accessToken })).status).toBe(200);
  });

  test("leaves what no key opens as it is, counts it, and goes on", async () => {
    const { deps } = old;
    const foreign = await addTotpFactor(deriveKeyring(randomBytes(32)).data);
    const readable = await addTotpFactor(deriveKeyring(oldKey).data);
    const before = await deps.db.totpFactor.findUniqueOrThrow({ where: { id: foreign } });
    const results = await reencrypt(deps.pool, keyring);
    expect([total(results, "renewed"), total(results, "unreadable")]).toEqual([1, 1]);
    const after = await deps.db.totpFactor.findUniqueOrThrow({ where: { id: foreign } });
    expect(after.secret).toEqual(before.secret);
    const row = await deps.db.totpFactor.findUniqueOrThrow({ where: { id: readable } });
    expect(decrypt(deriveKeyring(newKey).data, row.secret, readable)).toBe("JBSWY3DPEHPK3PXP");
    await deps.db.totpFactor.delete({ where: { id: foreign } });
  });

  test("five at once renew each value once, more than a batch of them, and lose none", async () => {
    const { deps } = old;
    const ids = await Promise.all(
      Array.from({ length: 550 }, () => addTotpFactor(deriveKeyring(oldKey).data)),
    );
    const runs = await Promise.all(Array.from({ length: 5 }, () => reencrypt(deps.pool, keyring)));
    expect(runs.reduce((sum, run) => sum + total(run, "renewed"), 0)).toBe(550);
    const rows = await deps.db.totpFactor.findMany({ where: { id: { in: ids } } });
    const alone = deriveKeyring(newKey).data;
    expect(new Set(rows.map(({ id, secret }) => decrypt(alone, secret, id)))).toEqual(
      new Set(["JBSWY3DPEHPK3PXP"]),
    );
  });
});
