import { beforeAll, expect, test } from "bun:test";
import { hash } from "@node-rs/argon2";
import { ApiError } from "../../../src/errors.ts";
import { type Account, PASSWORD, registerOwner, testApp } from "../../support/app.ts";

const app = testApp();
let weak: string;
beforeAll(async () => {
  weak = await hash(PASSWORD, { algorithm: 2, memoryCost: 8192, timeCost: 1, parallelism: 1 });
});

const OURS = /^\$argon2id\$v=19\$m=19456,t=2,p=1\$/;

async function ownerWith(passwordHash: string) {
  const owner = await registerOwner(app);
  await app.deps.db.account.update({ where: { id: owner.id }, data: { passwordHash } });
  return owner;
}

async function hashOf({ id }: Account) {
  return (await app.deps.db.account.findUniqueOrThrow({ where: { id } })).passwordHash;
}

async function login({ email }: Account, password = PASSWORD) {
  return (await app.call("POST /v1/auth/login", { json: { email, password } })).status;
}

test("R9: a login replaces a hash that is weaker than ours, and the password stays the same", async () => {
  const owner = await ownerWith(weak);
  expect(await login(owner)).toBe(200);
  const renewed = await hashOf(owner);
  expect(renewed).toMatch(OURS);
  expect([await login(owner), await login(owner, "wrong")]).toEqual([200, 401]);
  expect(await hashOf(owner)).toBe(renewed);
});

test("R9: a hash as we make them is left alone, and nothing is hashed", async () => {
  const owner = await registerOwner(app);
  const before = await hashOf(owner);
  const { passwords } = app.deps;
  const hashing = passwords.hash;
  passwords.hash = () => Promise.reject(new Error("hashed without need"));
  try {
    expect(await login(owner)).toBe(200);
  } finally {
    passwords.hash = hashing;
  }
  expect(await hashOf(owner)).toBe(before);
});

test("R72: a hash that costs more than ours, or differs in anything, is replaced at log-in and at reauthentication", async () => {
  const ours = { algorithm: 2, memoryCost: 19_456, timeCost: 2, parallelism: 1 };
  for (const other of [
    { memoryCost: 262_144, timeCost: 4 },
    { memoryCost: 24_576 },
    { parallelism: 2 },
    { outputLen: 64 },
    { algorithm: 1 },
  ]) {
    const dear = await hash(PASSWORD, { ...ours, ...other });
    const owner = await ownerWith(dear);
    expect(await login(owner)).toBe(200);
    expect(await hashOf(owner)).toMatch(OURS);
    const again = await ownerWith(dear);
    const { status } = await app.call("POST /v1/auth/reauthenticate", {
      token: again.accessToken,
      json: { password: PASSWORD },
    });
    expect([status, (await hashOf(again))?.slice(0, 30)]).toEqual([
      200,
      "$argon2id$v=19$m=19456,t=2,p=1",
    ]);
  }
});

test("R9: a login that is refused replaces nothing", async () => {
  const owner = await ownerWith(weak);
  expect(await login(owner, "wrong")).toBe(401);
  await app.deps.db.user.update({ where: { id: owner.id }, data: { status: "disabled" } });
  expect(await login(owner)).toBe(401);
  expect(await hashOf(owner)).toBe(weak);
});

/** Logs in while `hash` stands for the hashing of the new hash. */
async function loginWith(owner: Account, hash: (password: string) => Promise<string>) {
  const { passwords } = app.deps;
  const hashing = passwords.hash;
  passwords.hash = hash;
  try {
    return await login(owner);
  } finally {
    passwords.hash = hashing;
  }
}

test("R9: a password that is changed while the new hash is computed is not overwritten", async () => {
  const owner = await ownerWith(weak);
  const { passwords, db } = app.deps;
  const other = await passwords.hash("a wholly different password");
  const hashing = passwords.hash;
  const status = await loginWith(owner, async (password) => {
    await db.account.update({ where: { id: owner.id }, data: { passwordHash: other } });
    return hashing(password);
  });
  expect([status, await hashOf(owner)]).toEqual([401, other]);
});

test("R9: of two logins at once that both renew the hash, both succeed and neither counts as a failure", async () => {
  const owner = await ownerWith(weak);
  const { passwords, db } = app.deps;
  const hashing = passwords.hash;
  let inner: number | undefined;
  const outer = await loginWith(owner, async (password) => {
    passwords.hash = hashing;
    inner = await login(owner);
    return hashing(password);
  });
  expect([outer, inner]).toEqual([200, 200]);
  expect(await hashOf(owner)).toMatch(OURS);
  const where = { resourceId: owner.id, action: "auth.login_failed" };
  expect(await db.auditLog.count({ where })).toBe(0);
});

test("R9: with a full queue the login succeeds all the same, and the hash waits for the next one", async () => {
  const owner = await ownerWith(weak);
  const status = await loginWith(owner, () => Promise.reject(new ApiError("overloaded", "Full")));
  expect([status, await hashOf(owner)]).toEqual([200, weak]);
  expect(await login(owner)).toBe(200);
  expect(await hashOf(owner)).toMatch(OURS);
});
