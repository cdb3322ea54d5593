import { beforeAll, describe, expect, test } from "bun:test";
import { randomBytes } from "node:crypto";
import { type Account, registerOwner, testApp } from "../support/app.ts";
import { createAuthenticator, FLAGS, ORIGIN, type Twist } from "../support/authenticator.ts";

const app = testApp();
let owner: Account;
beforeAll(async () => {
  owner = await registerOwner(app);
});

async function optionsFor({ accessToken: token }: Pick<Account, "accessToken">) {
  return (await app.call("POST /v1/auth/me/passkeys/options", { token })).body;
}

function register({ accessToken: token }: Pick<Account, "accessToken">, response: unknown) {
  return app.call("POST /v1/auth/me/passkeys", { token, json: { response } });
}

function countOf({ id }: Account) {
  return app.deps.db.passkey.count({ where: { accountId: id } });
}

describe("R28, R29: an answer is refused", () => {
  const TWISTS: Record<string, Twist> = {
    "of another origin": { origin: "https://evil.example" },
    "of our origin with a slash": { origin: `${ORIGIN}/` },
    "of our host on another port": { origin: "http://localhost:3001" },
    "of our host by another scheme": { origin: "https://localhost:3000" },
    "of an origin that begins like ours": { origin: `${ORIGIN}.evil.example` },
    "for another RP id": { rpId: "evil.example" },
    "of the other ceremony": { type: "webauthn.get" },
    "without the user's presence": { clear: FLAGS.UP },
    "that is backed up and was not eligible": { clear: FLAGS.BE },
    "from within a frame of another site": { clientData: { crossOrigin: true } },
    "with a top origin": { clientData: { topOrigin: ORIGIN } },
    "to no challenge of ours": { challenge: randomBytes(32).toString("base64url") },
    "to an empty challenge": { challenge: "" },
    "whose id is not that of its data": { id: randomBytes(32).toString("base64url") },
    "with an unknown attestation": { format: "x" },
    "with an attestation whose certificates would be looked up": { format: "android-key" },
    "with an attestation that proves nothing": { format: "packed" },
  };
  for (const [name, twist] of Object.entries(TWISTS)) {
    test(name, async () => {
      const before = await countOf(owner);
      const options = await optionsFor(owner);
      const { status } = await register(owner, createAuthenticator().register(options, twist));
      expect(status).toBe(422);
      expect(await countOf(owner)).toBe(before);
      // Whatever was wrong, the challenge is spent: unless the answer named another one.
      const honest = await register(owner, createAuthenticator().register(options));
      expect(honest.status).toBe(twist.challenge === undefined ? 422 : 201);
    });
  }

  test("with a credential id of more than 1023 bytes", async () => {
    for (const [length, status] of [
      [1024, 422],
      [1023, 201],
    ] as const) {
      const credentialId = randomBytes(length);
      const response = createAuthenticator({ credentialId }).register(await optionsFor(owner));
      expect((await register(owner, response)).status).toBe(status);
    }
  });

  test("that is no answer at all", async () => {
    const honest = createAuthenticator().register(await optionsFor(owner));
    const garbage = Buffer.from("no JSON, no CBOR").toString("base64url");
    for (const response of [
      { ...honest, response: { ...honest.response, clientDataJSON: garbage } },
      { ...honest, response: { ...honest.response, attestationObject: garbage } },
      { ...honest, response: { ...honest.response, attestationObject: "o" } },
      { ...honest, rawId: "AAAA" },
      { ...honest, type: "password" },
      { ...honest, response: {} },
    ])
      expect((await register(owner, response)).status).toBe(422);
  });
});
