/** The lock of an account, which guesses from everywhere together lead to. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import {
  from,
  makeUser,
  newAddress,
  tryEverywhere,
  tryPassword,
} from "../../rate-limits/callers.ts";
import { createTestApp, PASSWORD, type TestApp } from "../../support/app.ts";
import { enrolTotp } from "../../support/factors.ts";

let app: TestApp;
beforeAll(async () => {
  // The budget of each address is tested in tests/rate-limits.
  app = await createTestApp({
    DATABASE_POOL_SIZE: "20",
    TRUSTED_PROXY_HOPS: "1",
    PASSWORD_HASH_QUEUE: "200",
  });
});
afterAll(() => app.close());

async function status(email: string, password: string, address = newAddress()) {
  return (await tryPassword(app, address, email, password)).status;
}

/** The counter, and for how many seconds from now the account is locked. */
async function lockOf(id: string) {
  const { rows } = await app.deps.pool.query(
    "SELECT login_attempts AS attempts, extract(epoch FROM locked_until - now())::float8 AS seconds FROM accounts WHERE id = $1",
    [id],
  );
  return rows[0] as { attempts: number; seconds: number | null };
}

/** Puts the counter where it would be after so many failures, with the last lock over. */
async function setAttempts(id: string, attempts: number) {
  await app.deps.pool.query(
    "UPDATE accounts SET login_attempts = $2, created_at = now() - interval '1 day', locked_until = now() - interval '1 second' WHERE id = $1",
    [id, attempts],
  );
}

describe("R12: failures in a row, from wherever they come", () => {
  test("lock the account at the fiftieth, for the right password too", async () => {
    const { id, email } = await makeUser(app);
    expect(new Set(await tryEverywhere(app, email, 49))).toEqual(new Set([401]));
    expect(await lockOf(id)).toEqual({ attempts: 49, seconds: null });
    await status(email, "wrong");
    const { attempts, seconds } = await lockOf(id);
    expect(attempts).toBe(50);
    expect(seconds).toBeWithin(25, 30.1);
    expect(await status(email, PASSWORD)).toBe(401);
  });

  test("at once are all counted, and none too many", async () => {
    const { id, email } = await makeUser(app);
    await tryEverywhere(app, email, 60);
    expect((await lockOf(id)).attempts).toBe(50);
  });

  test.each([
    [49, 30],
    [50, 60],
    [51, 120],
    [53, 480],
    [54, 900],
    [98, 900],
    [99, 900],
  ])("after %i of them and one more it lasts %i seconds", async (failures, expected) => {
    const { id, email } = await makeUser(app);
    await setAttempts(id, failures);
    expect(await status(email, "wrong")).toBe(401);
    const { attempts, seconds } = await lockOf(id);
    expect(attempts).toBe(failures + 1);
    expect(seconds).toBeWithin(expected - 5, expected + 0.1);
  });

  test("against a locked account change nothing: nobody can keep it locked by going on", async () => {
    const { id, email } = await makeUser(app);
    await setAttempts(id, 49);
    await status(email, "wrong");
    const before = await app.deps.db.account.findUniqueOrThrow({ where: { id } });
    await tryEverywhere(app, email, 5);
    expect(await app.deps.db.account.findUniqueOrThrow({ where: { id } })).toEqual(before);
  });

  test("are forgotten with the right password once the lock is over", async () => {
    const { id, email } = await makeUser(app);
    await setAttempts(id, 62);
    expect(await status(email, PASSWORD)).toBe(200);
    expect(await lockOf(id)).toEqual({ attempts: 0, seconds: null });
  });

  test("end no session: a stranger's guesses log nobody out", async () => {
    const { id, email } = await makeUser(app);
    const { body } = await tryPassword(app, newAddress(), email);
    await setAttempts(id, 99);
    await status(email, "wrong");
    const json = { refreshToken: body.refreshToken };
    expect((await app.call("POST /v1/auth/refresh", { json })).status).toBe(200);
    expect((await app.call("GET /v1/auth/me", { token: body.accessToken })).status).toBe(200);
  });

  test("of many guesses at once, those that end after the lock do not count even when they are right", async () => {
    const { id, email } = await makeUser(app);
    await setAttempts(id, 49);
    // The right guess has read an account that is not locked; the lock comes while its hash is computed.
    const { passwords } = app.deps;
    const verify = passwords.verify;
    passwords.verify = async (hash, password) => {
      passwords.verify = verify;
      const matches = await verify(hash, password);
      expect(matches).toBe(true);
      expect(await status(email, "wrong")).toBe(401);
      return matches;
    };
    expect(await status(email, PASSWORD)).toBe(401);
    expect((await lockOf(id)).attempts).toBe(50);
    expect(await app.deps.db.session.count({ where: { accountId: id } })).toBe(0);
  });
});

describe("R12: an address that the account has been used from", () => {
  test("is not locked out, nor its neighbours in an IPv6 network; others are", async () => {
    for (const [known, neighbour, stranger] of [
      ["2001:db8:5:1::1", "2001:db8:5:1:ffff::2", "2001:db8:5:2::1"],
      ["198.51.100.1", "::ffff:198.51.100.1", "198.51.100.2"],
    ] as const) {
      const { id, email } = await makeUser(app);
      expect(await status(email, PASSWORD, known)).toBe(200);
      await setAttempts(id, 49);
      await status(email, "wrong");
      expect(await status(email, PASSWORD, stranger)).toBe(401);
      expect(await status(email, PASSWORD, neighbour)).toBe(200);
      expect(await lockOf(id)).toEqual({ attempts: 0, seconds: null });
    }
  });

  test("is forgotten after 90 days", async () => {
    const { id, email } = await makeUser(app);
    const address = newAddress();
    expect(await status(email, PASSWORD, address)).toBe(200);
    await setAttempts(id, 49);
    await status(email, "wrong");
    await app.deps.pool.query(
      "UPDATE sessions SET last_used_at = now() - interval '91 days' WHERE account_id = $1",
      [id],
    );
    expect(await status(email, PASSWORD, address)).toBe(401);
  });

  test("has its own failures counted while others are locked out: a lock gives nobody guesses without end", async () => {
    const { id, email } = await makeUser(app);
    const address = newAddress();
    expect(await status(email, PASSWORD, address)).toBe(200);
    await setAttempts(id, 49);
    await status(email, "wrong");
    for (let failures = 51; failures <= 100; failures++)
      expect(await status(email, "wrong", address)).toBe(401);
    expect((await lockOf(id)).attempts).toBe(100);
    expect(await status(email, PASSWORD, address)).toBe(401);
  });
});

test("R12: wrong second factors from such an address are counted too, while others are locked out", async () => {
  const { id, email } = await makeUser(app);
  const address = newAddress();
  const { body } = await tryPassword(app, address, email);
  await enrolTotp(app, body);
  const begun = await tryPassword(app, address, email);
  await setAttempts(id, 49);
  await status(email, "wrong");
  const verify = (caller: string) =>
    app.call("POST /v1/auth/mfa/verify", {
      json: { mfaToken: begun.body.mfaToken, method: "totp", code: "000000" },
      headers: from(caller),
    });
  expect([(await verify(address)).status, (await lockOf(id)).attempts]).toEqual([401, 51]);
  expect([(await verify(newAddress())).status, (await lockOf(id)).attempts]).toEqual([401, 51]);
});

test("R12: a hundred failures lock it for everybody, for as long as it takes, and no further one is counted", async () => {
  const { id, email } = await makeUser(app);
  const address = newAddress();
  expect(await status(email, PASSWORD, address)).toBe(200);
  await setAttempts(id, 99);
  await status(email, "wrong");
  await setAttempts(id, 100);
  for (const caller of [address, newAddress()])
    expect(await status(email, PASSWORD, caller)).toBe(401);
  await tryEverywhere(app, email, 5);
  expect((await lockOf(id)).attempts).toBe(100);
});
