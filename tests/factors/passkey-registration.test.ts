import { beforeAll, describe, expect, test } from "bun:test";
import { randomBytes } from "node:crypto";
import { type Account, logIn, registerOwner, testApp } from "../support/app.ts";
import { type Algorithm, createAuthenticator, RP_ID } from "../support/authenticator.ts";
import { enrolPasskey } from "../support/factors.ts";

const app = testApp({ DATABASE_POOL_SIZE: "20", PRODUCT_NAME: "Acme Identity" });
let owner: Account;
beforeAll(async () => {
  owner = await registerOwner(app);
});

type Options = { challenge: string; user: { id: string } };

async function optionsFor({ accessToken: token }: Pick<Account, "accessToken">) {
  return (await app.call("POST /v1/auth/me/passkeys/options", { token })).body;
}

function register({ accessToken: token }: Pick<Account, "accessToken">, response: unknown) {
  return app.call("POST /v1/auth/me/passkeys", { token, json: { response } });
}

function countOf({ id }: Account) {
  return app.deps.db.passkey.count({ where: { accountId: id } });
}

test("R27, R29: the options: a fresh challenge of 32 bytes, a random handle, and what not to register again", async () => {
  const account = await registerOwner(app);
  const first = await optionsFor(account);
  expect(first).toMatchObject({
    rp: { id: RP_ID, name: "Acme Identity" },
    user: { name: account.email },
    pubKeyCredParams: [-7, -8, -257].map((alg) => ({ type: "public-key", alg })),
    excludeCredentials: [],
    authenticatorSelection: { residentKey: "preferred", userVerification: "preferred" },
    attestation: "none",
  });
  expect(Buffer.from(first.challenge, "base64url")).toHaveLength(32);
  expect(Buffer.from(first.user.id, "base64url")).toHaveLength(32);
  expect((await optionsFor(account)).challenge).not.toBe(first.challenge);

  const { authenticator, userHandle } = await enrolPasskey(app, account);
  const next = await optionsFor(account);
  expect(next.user.id).toBe(userHandle);
  expect(next.excludeCredentials).toEqual([
    { id: authenticator.id, type: "public-key", transports: ["internal", "hybrid"] },
  ]);
});

test("a passkey is stored, listed, and audited, and the other sessions end", async () => {
  const account = await registerOwner(app);
  const other = await logIn(app, account.email);
  const { id } = await enrolPasskey(app, account);
  const factors = await app.call("GET /v1/auth/me/factors", { token: account.accessToken });
  expect(factors.body).toEqual({
    password: true,
    totp: null,
    passkeys: [
      {
        id,
        name: "Laptop",
        createdAt: expect.any(String),
        lastUsedAt: null,
        backedUp: true,
        transports: ["internal", "hybrid"],
      },
    ],
    recoveryCodesLeft: 0,
  });
  expect((await app.call("GET /v1/auth/me", { token: other.accessToken })).status).toBe(401);
  const rows = await app.deps.db.auditLog.findMany({
    where: { resourceId: account.id, action: "factor.added" },
    select: { outcome: true, actorId: true, tenantId: true, details: true },
  });
  expect(rows as unknown[]).toEqual([
    {
      outcome: "success",
      actorId: account.id,
      tenantId: account.tenantId,
      details: { factor: "passkey", id },
    },
  ]);
});

describe("R28: every algorithm that is offered works, and no other", () => {
  const CASES: [Algorithm, number][] = [
    ["ES256", 201],
    ["EdDSA", 201],
    ["RS256", 201],
    ["ES384", 422],
  ];
  test.each(CASES)("%s: %i", async (algorithm, status) => {
    const authenticator = createAuthenticator({ algorithm });
    const answer = await register(owner, authenticator.register(await optionsFor(owner)));
    expect(answer.status).toBe(status);
  });
});

test("R28: a statement that the new key signs itself is checked", async () => {
  const authenticator = createAuthenticator();
  const honest = authenticator.register(await optionsFor(owner), { selfAttested: true });
  expect((await register(owner, honest)).status).toBe(201);

  // The same statement over other client data: its signature no longer fits.
  const other = createAuthenticator();
  const first = other.register(await optionsFor(owner), { selfAttested: true });
  const { clientDataJSON } = other.register(await optionsFor(owner)).response;
  const moved = { ...first, response: { ...first.response, clientDataJSON } };
  expect((await register(owner, moved)).status).toBe(422);
});

describe("R27: a challenge", () => {
  test("works once, of twenty answers at once too", async () => {
    const options = await optionsFor(owner);
    const answers = await Promise.all(
      Array.from({ length: 20 }, () =>
        register(owner, createAuthenticator().register(options as Options)),
      ),
    );
    expect(answers.filter(({ status }) => status === 201)).toHaveLength(1);
    await app.deps.db.passkey.deleteMany({ where: { accountId: owner.id } });
  });

  test("expires", async () => {
    const options = await optionsFor(owner);
    await app.deps.pool.query(
      "UPDATE one_time_tokens SET created_at = now() - interval '6 minutes', expires_at = now() - interval '1 second' WHERE user_id = $1 AND used_at IS NULL",
      [owner.id],
    );
    expect((await register(owner, createAuthenticator().register(options))).status).toBe(422);
  });

  test("belongs to its user and its session", async () => {
    const other = await logIn(app, owner.email);
    const stranger = await registerOwner(app);
    for (const account of [other, stranger]) {
      const options = await optionsFor(owner);
      expect((await register(account, createAuthenticator().register(options))).status).toBe(422);
    }
  });

  test("belongs to its ceremony", async () => {
    const login = (await app.call("POST /v1/auth/passkey/options")).body;
    const step = (
      await app.call("POST /v1/auth/reauthenticate/passkey-options", { token: owner.accessToken })
    ).body;
    for (const { challenge } of [login, step]) {
      const options = { challenge, user: { id: randomBytes(32).toString("base64url") } };
      expect((await register(owner, createAuthenticator().register(options))).status).toBe(422);
    }
  });
});

describe("R29: a credential that is registered already", () => {
  test("is refused for its owner and, in the same words, for everybody else", async () => {
    const [first, second] = [await registerOwner(app), await registerOwner(app)];
    const credentialId = randomBytes(32);
    await enrolPasskey(app, first, createAuthenticator({ credentialId }));
    const details: unknown[] = [];
    for (const account of [first, second]) {
      const again = createAuthenticator({ credentialId }).register(await optionsFor(account));
      const { status, body } = await register(account, again);
      details.push({ status, detail: body.detail, errors: body.errors });
    }
    const broken = createAuthenticator().register(await optionsFor(second), { rpId: "x" });
    const { status, body } = await register(second, broken);
    details.push({ status, detail: body.detail, errors: body.errors });
    expect(new Set(details.map((detail) => JSON.stringify(detail))).size).toBe(1);
    expect(await countOf(second)).toBe(0);
  });

  test("by two accounts at once goes to one of them", async () => {
    const accounts = await Promise.all([registerOwner(app), registerOwner(app)]);
    const credentialId = randomBytes(32);
    const responses = await Promise.all(
      accounts.map(async (account) =>
        createAuthenticator({ credentialId }).register(await optionsFor(account)),
      ),
    );
    const answers = await Promise.all(
      accounts.map((account, index) => register(account, responses[index])),
    );
    expect(answers.map(({ status }) => status).sort()).toEqual([201, 422]);
  });
});

test("a user has twenty passkeys at most", async () => {
  const account = await registerOwner(app);
  for (let count = 0; count < 20; count++) await enrolPasskey(app, account);
  const { status, body } = await app.call("POST /v1/auth/me/passkeys/options", {
    token: account.accessToken,
  });
  expect({ status, code: body.code }).toEqual({ status: 409, code: "factor_exists" });
});

describe("an Android app that is listed", () => {
  const ANDROID = "android:apk-key-hash:47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU";
  const native = testApp({
    PASSKEY_RP_ID: RP_ID,
    PASSKEY_ORIGINS: `http://localhost:3000 ${ANDROID}`,
  });
  const twist = { origin: ANDROID, clientData: { androidPackageName: "com.example.app" } };

  test("registers a passkey and logs in with it, and another app does not", async () => {
    const { accessToken: token } = await registerOwner(native);
    const authenticator = createAuthenticator();
    const call = (route: string, json?: unknown) =>
      native.call(`POST /v1/auth/${route}`, { token, json });
    const { body: options } = await call("me/passkeys/options");
    const made = await call("me/passkeys", { response: authenticator.register(options, twist) });
    expect(made.status).toBe(201);
    for (const [origin, status] of [
      [ANDROID, 200],
      [ANDROID.toLowerCase(), 401],
      [ANDROID.replace("47DE", "48DE"), 401],
      ["http://localhost:3000", 200],
    ] as const) {
      const { body } = await native.call("POST /v1/auth/passkey/options");
      const response = authenticator.assert(body, { ...twist, origin });
      const answer = await native.call("POST /v1/auth/passkey/login", { json: { response } });
      expect([origin, answer.status]).toEqual([origin, status]);
    }
  });
});
