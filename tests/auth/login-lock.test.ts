import { afterAll, beforeAll, expect, test } from "bun:test";
import { createTestApp, PASSWORD, registerOwner, type TestApp } from "../support/app.ts";

let app: TestApp;
beforeAll(async () => {
  app = await createTestApp({ DATABASE_POOL_SIZE: "20" });
});
afterAll(() => app.close());

async function status(email: string, password: string) {
  return (await app.call("POST /v1/auth/login", { json: { email, password } })).status;
}

/** The counter, and for how many seconds from now the account is locked. */
async function lockOf(id: string) {
  const { rows } = await app.deps.pool.query(
    "SELECT login_attempts AS attempts, extract(epoch FROM locked_until - now())::float8 AS seconds FROM users WHERE id = $1",
    [id],
  );
  return rows[0] as { attempts: number; seconds: number | null };
}

/** Puts the counter where it would be after so many failures, with the last lock over. */
async function setAttempts(id: string, attempts: number) {
  await app.deps.pool.query(
    "UPDATE users SET login_attempts = $2, created_at = now() - interval '1 day', locked_until = now() - interval '1 second' WHERE id = $1",
    [id, attempts],
  );
}

test("R12: the tenth wrong password locks the account, for the right one too", async () => {
  const { id, email } = await registerOwner(app);
  for (let attempt = 1; attempt <= 9; attempt++) expect(await status(email, "wrong")).toBe(401);
  expect(await lockOf(id)).toEqual({ attempts: 9, seconds: null });
  await status(email, "wrong");
  const { attempts, seconds } = await lockOf(id);
  expect(attempts).toBe(10);
  expect(seconds).toBeWithin(25, 30.1);
  expect(await status(email, PASSWORD)).toBe(401);
});

test("R12: nobody can keep an account locked by going on: attempts against a locked one change nothing", async () => {
  const { id, email } = await registerOwner(app);
  await setAttempts(id, 9);
  await status(email, "wrong");
  const before = await app.deps.db.user.findUniqueOrThrow({ where: { id } });
  await Promise.all(Array.from({ length: 5 }, () => status(email, "wrong")));
  expect(await app.deps.db.user.findUniqueOrThrow({ where: { id } })).toEqual(before);
});

test.each([
  [9, 30],
  [10, 60],
  [11, 120],
  [13, 480],
  [14, 900],
  [20, 900],
  [999, 900],
  [1000, 900],
])("R12: the lock after %i failures and one more lasts %i seconds", async (failures, expected) => {
  const { id, email } = await registerOwner(app);
  await setAttempts(id, failures);
  expect(await status(email, "wrong")).toBe(401);
  const { attempts, seconds } = await lockOf(id);
  expect(attempts).toBe(Math.min(failures + 1, 1000));
  expect(seconds).toBeWithin(expected - 5, expected + 0.1);
});

test("a lock that is over lets the right password in, and success sets the counter back", async () => {
  const { id, email } = await registerOwner(app);
  await setAttempts(id, 12);
  expect(await status(email, PASSWORD)).toBe(200);
  expect(await lockOf(id)).toEqual({ attempts: 0, seconds: null });
});

test("R12: of many guesses at once, those that end after the lock do not count even when they are right", async () => {
  const { id, email } = await registerOwner(app);
  await setAttempts(id, 9);
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
  expect((await lockOf(id)).attempts).toBe(10);
  expect(await app.deps.db.session.count({ where: { userId: id } })).toBe(1);
});

test("R12: failures at once are all counted", async () => {
  const { id, email } = await registerOwner(app);
  await Promise.all(Array.from({ length: 9 }, () => status(email, "wrong")));
  expect((await lockOf(id)).attempts).toBe(9);
});
