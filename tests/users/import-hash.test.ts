/** Users who come with the hash that another system made of their password. */
import { beforeAll, describe, expect, test } from "bun:test";
import { BCRYPT_OF_72_X, BCRYPT_OF_NFD, VECTORS } from "../crypto/imported-hashes.ts";
import {
  type Account,
  createMember,
  PASSWORD,
  randomName,
  registerOwner,
  testApp,
} from "../support/app.ts";
import { createMemberWith } from "./routes.ts";

const OURS = /^\$argon2id\$v=19\$m=19456,t=2,p=1\$/;
const BCRYPT = VECTORS["bcrypt 2b"];

const app = testApp();
let owner: Account & { tenantId: string };
beforeAll(async () => {
  owner = await registerOwner(app);
});

const fresh = () => `${randomName()}@x.example`;

function create(json: Record<string, unknown>, { accessToken: token }: Account = owner) {
  return app.call("POST /v1/users", { token, json: { email: fresh(), ...json } });
}

async function imported(passwordHash: string): Promise<{ id: string; email: string }> {
  const { status, body } = await create({ passwordHash });
  expect(status).toBe(201);
  return body;
}

async function login(email: string, password = PASSWORD) {
  return (await app.call("POST /v1/auth/login", { json: { email, password } })).status;
}

async function hashOf({ id }: { id: string }) {
  return (await app.deps.db.account.findUniqueOrThrow({ where: { id } })).passwordHash;
}

test.each(Object.entries(VECTORS))(
  "R10: %s: the user logs in with the password of before, and from then on has a hash of ours",
  async (_name, passwordHash) => {
    const user = await imported(passwordHash);
    expect(await hashOf(user)).toBe(passwordHash);
    expect(await login(user.email, "wrong")).toBe(401);
    expect(await hashOf(user)).toBe(passwordHash);
    expect(await login(user.email)).toBe(200);
    const renewed = await hashOf(user);
    expect(renewed).toMatch(OURS);
    expect([await login(user.email), await login(user.email, "wrong")]).toEqual([200, 401]);
    expect(await hashOf(user)).toBe(renewed);
  },
);

test("R10: of five log-ins at once on an imported hash all succeed, and none counts as a failure", async () => {
  const user = await imported(BCRYPT);
  const logins = await Promise.all(Array.from({ length: 5 }, () => login(user.email)));
  expect(logins).toEqual([200, 200, 200, 200, 200]);
  expect(await hashOf(user)).toMatch(OURS);
  const where = { resourceId: user.id, action: "auth.login_failed" };
  expect(await app.deps.db.auditLog.count({ where })).toBe(0);
});

test("R4: a password that was hashed as it came is known as it comes, and in either form after the first log-in", async () => {
  const user = await imported(BCRYPT_OF_NFD);
  const [nfc, nfd] = ["r\u00e9sum\u00e9 of a horse", "re\u0301sume\u0301 of a horse"];
  expect(await login(user.email, nfd)).toBe(200);
  expect([await login(user.email, nfc), await login(user.email, nfd)]).toEqual([200, 200]);
});

test("R2: beyond byte 72 bcrypt knows nothing, and after the first log-in every byte counts", async () => {
  const user = await imported(BCRYPT_OF_72_X);
  expect(await login(user.email, "x".repeat(80))).toBe(200);
  expect(await login(user.email, "x".repeat(72))).toBe(401);
  expect(await login(user.email, "x".repeat(80))).toBe(200);
});

test("the import is audited, and the hash is neither there nor in the answer", async () => {
  const { status, body } = await create({ passwordHash: BCRYPT });
  expect(status).toBe(201);
  const row = await app.deps.db.auditLog.findFirstOrThrow({
    where: { resourceId: body.id, action: "user.created" },
  });
  expect(row.details).toEqual({ roles: ["member"], passwordImported: true });
  const { body: read } = await app.call(`GET /v1/users/${body.id}`, { token: owner.accessToken });
  expect(JSON.stringify([body, read, row.details])).not.toContain("$2b$");
});

describe("who may", () => {
  test("whoever may create users but not import them is refused, and can create them without a hash", async () => {
    const creator = await createMemberWith(app, owner, ["user:create", "user:read", "tenant:read"]);
    const { status, body } = await create({ passwordHash: BCRYPT }, creator);
    expect([status, body.code]).toEqual([403, "permission_denied"]);
    expect(body.detail).toContain("user:import");
    expect((await create({}, creator)).status).toBe(201);
  });

  test("whoever may import but not create is refused, and so is whoever has not logged in", async () => {
    const importer = await createMemberWith(app, owner, ["user:import"]);
    expect((await create({ passwordHash: BCRYPT }, importer)).status).toBe(403);
    const json = { email: fresh(), passwordHash: BCRYPT };
    expect((await app.call("POST /v1/users", { json })).status).toBe(401);
  });

  test("an admin may, and nobody into another tenant", async () => {
    const admin = await createMember(app, owner, ["admin"]);
    expect((await create({ passwordHash: BCRYPT }, admin)).status).toBe(201);
    const other = await registerOwner(app);
    const { status } = await create({ passwordHash: BCRYPT, tenantId: other.tenantId }, admin);
    expect(status).toBe(403);
  });
});

describe("what is refused with 422, before anything is written", () => {
  test.each([
    ["too cheap", BCRYPT.replace("$10$", "$09$")],
    ["so dear that a log-in would take minutes", BCRYPT.replace("$10$", "$31$")],
    [
      "a gigabyte a log-in",
      "$argon2id$v=19$m=4194304,t=9,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAA",
    ],
    ["no hash at all", PASSWORD],
    ["longer than the column", `pbkdf2_sha256$600000$${"a".repeat(300)}$AAAA`],
    ["empty", ""],
    ["no text", 5],
    ["null", null],
  ])("%s", async (_name, passwordHash) => {
    const email = fresh();
    const { status, body } = await create({ email, passwordHash });
    expect([status, body.code]).toEqual([422, "validation_failed"]);
    expect(body.errors.map(({ path }: { path: string }) => path)).toEqual(["passwordHash"]);
    expect(await app.deps.db.user.count({ where: { email } })).toBe(0);
    if (typeof passwordHash === "string" && passwordHash !== "")
      expect(JSON.stringify(body)).not.toContain(passwordHash);
  });

  test("the answer says what is accepted", async () => {
    const { body } = await create({ passwordHash: "5f4dcc3b5aa765d61d8327deb882cf99" });
    for (const word of [
      "bcrypt",
      "argon2id",
      "scrypt",
      "PBKDF2-SHA256",
      "10000",
      "Firebase",
      "ASP.NET",
    ])
      expect(body.errors[0].message).toContain(word);
  });

  test("a password and a hash together", async () => {
    const { status, body } = await create({ password: PASSWORD, passwordHash: BCRYPT });
    expect(status).toBe(422);
    expect(body.errors).toEqual([
      { path: "passwordHash", message: "Either password or passwordHash" },
    ]);
  });
});
