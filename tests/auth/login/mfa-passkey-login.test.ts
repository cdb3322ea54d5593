import { describe, expect, test } from "bun:test";
import { randomBytes } from "node:crypto";
import { type Account, registerOwner, testApp } from "../../support/app.ts";
import {
  type Authenticator,
  createAuthenticator,
  FLAGS,
  ORIGIN,
  type Twist,
} from "../../support/authenticator.ts";
import { claimsOf, enrolPasskey } from "../../support/factors.ts";

const app = testApp({ DATABASE_POOL_SIZE: "20" });

async function options() {
  return (await app.call("POST /v1/auth/passkey/options")).body;
}

function send(response: unknown) {
  return app.call("POST /v1/auth/passkey/login", { json: { response } });
}

async function logIn(authenticator: Authenticator, twist: Twist = {}) {
  return send(authenticator.assert(await options(), twist));
}

async function holder(
  authenticator = createAuthenticator(),
): Promise<Account & { authenticator: Authenticator; passkeyId: string }> {
  const owner = await registerOwner(app);
  const { id } = await enrolPasskey(app, owner, authenticator);
  return { ...owner, authenticator, passkeyId: id };
}

async function reasonsOf({ id }: Account) {
  const rows = await app.deps.db.auditLog.findMany({
    where: { resourceId: id, action: "auth.login_failed" },
    orderBy: { id: "asc" },
    select: { outcome: true, details: true },
  });
  return rows.map(({ details }) => details as Record<string, unknown>);
}

test("R30: the options name nobody, and are the same for everybody but for the challenge", async () => {
  await holder();
  const [first, second] = [await options(), await options()];
  expect(first).toEqual({
    challenge: expect.any(String),
    rpId: "localhost",
    timeout: 300_000,
    allowCredentials: [],
    userVerification: "required",
  });
  expect(first.challenge).not.toBe(second.challenge);
});

test("R25, R30: a passkey alone logs its owner in, to their tenant, and amr tells what it was", async () => {
  for (const [synced, kind] of [
    [true, "swk"],
    [false, "hwk"],
  ] as const) {
    const owner = await holder(createAuthenticator({ synced }));
    const { status, body } = await logIn(owner.authenticator);
    expect(status).toBe(200);
    expect(body.user).toMatchObject({ id: owner.id, tenantId: owner.tenantId });
    expect(claimsOf(body.accessToken)).toMatchObject({
      amr: [kind, "user", "mfa"],
      tid: owner.tenantId,
    });
    const factors = await app.call("GET /v1/auth/me/factors", { token: body.accessToken });
    expect(factors.body.passkeys[0].lastUsedAt).toBeString();
    expect(
      await app.deps.db.auditLog.count({
        where: {
          actorId: owner.id,
          action: "auth.logged_in",
          details: { path: ["methods"], equals: [kind, "user", "mfa"] },
        },
      }),
    ).toBe(1);
  }
});

describe("R28: an assertion is refused", () => {
  const TWISTS: Record<string, Twist & { reason: string }> = {
    "of another origin": { origin: "https://evil.example", reason: "not_verified" },
    "of our host on another port": { origin: "http://localhost:3001", reason: "not_verified" },
    "for another RP id": { rpId: "evil.example", reason: "not_verified" },
    "of the other ceremony": { type: "webauthn.create", reason: "not_verified" },
    "without the user's presence": { clear: FLAGS.UP, reason: "not_verified" },
    "without the user's verification": { clear: FLAGS.UV, reason: "not_verified" },
    "that is backed up and not eligible": { clear: FLAGS.BE, reason: "not_verified" },
    "whose eligibility for backups has changed": {
      clear: FLAGS.BE | FLAGS.BS,
      reason: "not_verified",
    },
    "with another signature": { signature: randomBytes(70), reason: "not_verified" },
    "from within a frame of another site": {
      clientData: { crossOrigin: true },
      reason: "client_data",
    },
    "with a top origin": {
      clientData: { crossOrigin: true, topOrigin: ORIGIN },
      reason: "client_data",
    },
    "to no challenge of ours": {
      challenge: randomBytes(32).toString("base64url"),
      reason: "client_data",
    },
    "without a user handle": { userHandle: null, reason: "user_handle" },
    "with somebody else's user handle": {
      userHandle: randomBytes(32).toString("base64url"),
      reason: "user_handle",
    },
  };
  for (const [name, { reason, ...twist }] of Object.entries(TWISTS)) {
    test(name, async () => {
      const owner = await holder();
      const { status, body } = await logIn(owner.authenticator, twist);
      expect({ status, code: body.code }).toEqual({ status: 401, code: "invalid_passkey" });
      expect(await reasonsOf(owner)).toEqual([{ method: "passkey", reason }]);
      expect((await logIn(owner.authenticator)).status).toBe(200);
    });
  }

  test("of a device-bound passkey that claims to be synced", async () => {
    const owner = await holder(createAuthenticator({ synced: false }));
    expect((await logIn(owner.authenticator, { set: FLAGS.BE })).status).toBe(401);
  });

  test("that says whose it is in another's name: the handle must be the owner's", async () => {
    const [first, second] = [await holder(), await holder()];
    const theirs = second.authenticator.assert(await options()).response.userHandle;
    expect((await logIn(first.authenticator, { userHandle: theirs as string })).status).toBe(401);
    // And another's credential under one's own signature.
    const twist = { id: second.authenticator.id, userHandle: theirs as string };
    expect((await logIn(first.authenticator, twist)).status).toBe(401);
  });

  test("of a passkey that nobody has, in the same words, and it is audited", async () => {
    const owner = await holder();
    const unknown = createAuthenticator();
    unknown.register({ challenge: "", user: { id: randomBytes(32).toString("base64url") } });
    const [absent, wrong] = [
      await logIn(unknown),
      await logIn(owner.authenticator, { rpId: "evil.example" }),
    ];
    const { instance: _, ...problem } = absent.body;
    expect(wrong.body).toMatchObject(problem);
    expect(absent.status).toBe(401);
    expect(
      await app.deps.db.auditLog.count({
        where: {
          action: "auth.login_failed",
          resourceId: null,
          details: { path: ["reason"], equals: "unknown_passkey" },
        },
      }),
    ).toBe(1);
  });
});

describe("R29: the counter of a device-bound passkey", () => {
  test("must rise: one that stands still or falls is refused and audited as such", async () => {
    const owner = await holder(createAuthenticator({ synced: false }));
    expect((await logIn(owner.authenticator, { counter: 7 })).status).toBe(200);
    for (const counter of [7, 6, 0])
      expect((await logIn(owner.authenticator, { counter })).status).toBe(401);
    expect(await reasonsOf(owner)).toEqual(
      Array(3).fill({ method: "passkey", reason: "sign_count" }),
    );
    expect((await logIn(owner.authenticator, { counter: 8 })).status).toBe(200);
  });

  test("is looked at after the signature: nobody but its holder can make it look stolen", async () => {
    const owner = await holder(createAuthenticator({ synced: false }));
    await logIn(owner.authenticator, { counter: 7 });
    await logIn(owner.authenticator, { counter: 1, signature: randomBytes(70) });
    expect(await reasonsOf(owner)).toEqual([{ method: "passkey", reason: "not_verified" }]);
  });

  test("may stay at 0 where there is none", async () => {
    const owner = await holder();
    for (let time = 0; time < 2; time++)
      expect((await logIn(owner.authenticator, { counter: 0 })).status).toBe(200);
  });
});

test("the body is validated", async () => {
  for (const json of [{}, { response: {} }, { response: "x" }, { response: null, more: 1 }])
    expect((await app.call("POST /v1/auth/passkey/login", { json })).status).toBe(422);
});
