import { beforeAll, describe, expect, test } from "bun:test";
import { availableParallelism } from "node:os";
import { createPasswords, isOurs, type Passwords, shareOfEach } from "../../src/crypto/password.ts";
import { testApp } from "../support/app.ts";

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

test("R9: a hash is ours by algorithm, version, parameters and lengths, or it is not, weaker or dearer", async () => {
  const ours = await passwords.hash("x");
  expect(isOurs(ours)).toBe(true);
  for (const other of [
    ours.replace("m=19456", "m=19455"),
    ours.replace("m=19456", "m=65536"),
    ours.replace("t=2", "t=1"),
    ours.replace("t=2", "t=3"),
    ours.replace("p=1", "p=4"),
    ours.replace("v=19", "v=16"),
    ours.replace("argon2id", "argon2i"),
    ours.slice(0, -1),
    `${ours}A`,
    `${ours}\n`,
    "$2b$12$C6UzMDM.H6dfI/f/IKcEe.uQhlV2pbC6d9eyq5o0mY4sU1qvQ6j9K",
    "",
  ])
    expect([other, isOurs(other)]).toEqual([other, false]);
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

  test("R72: what is not ours takes half of the cores at most, and ordinary hashes do not wait for it", async () => {
    const limited = await createPasswords(100, 4);
    const dear = `$argon2id$v=19$m=65536,t=4,p=1$${"A".repeat(22)}$${"A".repeat(43)}`;
    const owner = { caller: "192.0.2.1", tenantId: "theirs" };
    let answered = 0;
    const flood = Promise.all(
      Array.from({ length: 12 }, () => limited.verify(dear, "x", owner).then(() => answered++)),
    );
    await limited.verify(null, "x", { caller: "192.0.2.2", tenantId: null });
    expect(answered).toBeLessThan(6);
    const other = { caller: "192.0.2.1", tenantId: "another" };
    await limited.verify(dear, "x", other);
    expect(answered).toBeLessThan(10);
    await flood;
  });

  test("R72: whoever fills the queue makes room for whoever has nothing in it", async () => {
    const limited = await createPasswords(8, 1);
    const greedy = { caller: "192.0.2.1", tenantId: null };
    const flood = Promise.allSettled(Array.from({ length: 30 }, () => limited.hash("x", greedy)));
    await limited.hash("x", { caller: "192.0.2.2", tenantId: null });
    const refused = (await flood).filter(({ status }) => status === "rejected");
    expect(refused.length).toBeGreaterThan(20);
  });

  test("each of several processes takes as many as one alone, on fewer cores", async () => {
    for (const processes of [1, 2, CORES + 1]) {
      const [queueLimit, cores] = shareOfEach(8, processes);
      expect(cores).toBe(Math.max(1, Math.floor(CORES / processes)));
      const limited = await createPasswords(queueLimit, cores);
      const running = Array.from({ length: CORES + 8 }, (_, n) =>
        limited.verify(null, "x", { caller: `${n % 2}`, tenantId: null }),
      );
      const refused = (await Promise.allSettled(running)).filter(
        ({ status }) => status === "rejected",
      );
      // A quarter of the places is for hashes that are not ours.
      expect([processes, refused.length]).toEqual([processes, 2]);
    }
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
  const app = testApp({ PASSWORD_HASH_QUEUE: "2" });

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
