import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { availableParallelism } from "node:os";
import { createPasswords, isWeak, type Passwords } from "../../src/crypto/password.ts";
import { createTestApp, type TestApp } from "../support/app.ts";

const CORES = availableParallelism();

let passwords: Passwords;
beforeAll(async () => {
  passwords = await createPasswords(1000);
});

test("R9: a hash is argon2id with m=19456, t=2, p=1 and a salt of its own", async () => {
  const [first, second] = await Promise.all([passwords.hash("same"), passwords.hash("same")]);
  expect(first).toMatch(
    /^\$argon2id\$v=19\$m=19456,t=2,p=1\$[A-Za-z0-9+/]{22,}\$[A-Za-z0-9+/]{43}$/,
  );
  expect(second).not.toBe(first);
});

test("R9: a hash is weak with less memory, fewer passes or another algorithm than ours, and not with more", async () => {
  expect(isWeak(await passwords.hash("x"))).toBe(false);
  const weak = {
    "$argon2id$v=19$m=19456,t=2,p=1$c2FsdA$aGFzaA": false,
    "$argon2id$v=19$m=65536,t=3,p=4$c2FsdA$aGFzaA": false,
    "$argon2id$v=19$m=19455,t=2,p=1$c2FsdA$aGFzaA": true,
    "$argon2id$v=19$m=65536,t=1,p=1$c2FsdA$aGFzaA": true,
    "$argon2id$v=16$m=19456,t=2,p=1$c2FsdA$aGFzaA": true,
    "$argon2i$v=19$m=19456,t=2,p=1$c2FsdA$aGFzaA": true,
    "$2b$12$C6UzMDM.H6dfI/f/IKcEe.uQhlV2pbC6d9eyq5o0mY4sU1qvQ6j9K": true,
    "": true,
  };
  for (const [hash, expected] of Object.entries(weak)) {
    expect([hash, isWeak(hash)]).toEqual([hash, expected]);
  }
});

test("only the password verifies, whole and exact", async () => {
  const hash = await passwords.hash("correct horse battery staple");
  const tries = [
    "correct horse battery staple",
    "correct horse battery stapl",
    "Correct horse battery staple",
    "",
  ];
  expect(await Promise.all(tries.map((password) => passwords.verify(hash, password)))).toEqual([
    true,
    false,
    false,
    false,
  ]);
});

test("R2: what lies beyond byte 72, or beyond a NUL, still counts", async () => {
  const hash = await passwords.hash(`${"x".repeat(100)}\0one`);
  expect(await passwords.verify(hash, `${"x".repeat(100)}\0two`)).toBe(false);
  expect(await passwords.verify(hash, `${"x".repeat(100)}\0one`)).toBe(true);
});

test("R4: NFC at set and at verify alike, and no other folding", async () => {
  const hash = await passwords.hash("re\u0301sume\u0301");
  expect(await passwords.verify(hash, "r\u00e9sum\u00e9")).toBe(true);
  expect(await passwords.verify(hash, "resume")).toBe(false);
  const ligature = await passwords.hash("\ufb01sh");
  expect(await passwords.verify(ligature, "fish")).toBe(false);
});

test("without a hash nothing verifies", async () => {
  expect(await passwords.verify(null, "anything")).toBe(false);
});

describe("R11: the queue", () => {
  test("takes as many as there are cores and may wait, and tells the rest to come back", async () => {
    const limited = await createPasswords(3);
    const results = await Promise.allSettled(
      Array.from({ length: CORES + 5 }, () => limited.hash("x")),
    );
    const refused = results
      .filter((result) => result.status === "rejected")
      .map(({ reason }) => reason);
    expect(refused).toHaveLength(2);
    expect(refused[0]).toMatchObject({ code: "overloaded", details: { retryAfterSeconds: 1 } });
  });

  test("serves in the order of arrival, and is free again afterwards", async () => {
    const limited = await createPasswords(10);
    const order: number[] = [];
    const run = (n: number) => limited.hash("x").then(() => order.push(n));
    await Promise.all(Array.from({ length: CORES + 6 }, (_, n) => run(n)));
    // Neighbours run side by side and may finish the other way round; the first and the last in the queue do not.
    expect(order.indexOf(CORES)).toBeLessThan(order.indexOf(CORES + 5));
    await Promise.all(Array.from({ length: CORES + 6 }, (_, n) => run(n)));
  });

  test("gives a place back when the work fails", async () => {
    const limited = await createPasswords(0);
    for (let run = 0; run < CORES + 1; run++) {
      await expect(limited.verify("not a hash", "x")).rejects.toThrow();
    }
    expect(await limited.verify(null, "x")).toBe(false);
  });
});

describe("R11: over HTTP", () => {
  let app: TestApp;
  beforeAll(async () => {
    app = await createTestApp({ PASSWORD_HASH_QUEUE: "2" });
  });
  afterAll(() => app.close());

  test("a flood of log-ins is answered 503 with Retry-After beyond what the queue holds, and then all is well", async () => {
    const json = { email: "nobody@example.com", password: "x" };
    const logIn = () => app.call("POST /v1/auth/login", { json });
    const answers = await Promise.all(Array.from({ length: 60 }, logIn));
    const refused = answers.filter(({ status }) => status === 503);
    expect(refused.length).toBeGreaterThan(0);
    expect(answers.length - refused.length).toBeGreaterThanOrEqual(CORES + 2);
    for (const { status } of answers) expect(status).toBeOneOf([401, 503]);
    expect(refused[0]?.headers.get("retry-after")).toBe("1");
    expect(refused[0]?.body).toMatchObject({ code: "overloaded" });
    expect((await logIn()).status).toBe(401);
  });
});
