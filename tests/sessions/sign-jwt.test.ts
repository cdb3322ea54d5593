import { beforeAll, expect, test } from "bun:test";
import fc from "fast-check";
import { decodeJwt, decodeProtectedHeader, jwtVerify, SignJWT } from "jose";
import { transaction } from "../../src/db/commit.ts";
import { signJwt, ACCESS_TOKEN_TYPE as TYPE } from "../../src/sessions/sign-jwt.ts";
import { createSigningKey, openSigningKey, type SigningKey } from "../../src/signing-keys/rows.ts";
import { testApp } from "../support/app.ts";
import { privateKeyOf } from "../support/signing-key.ts";

const app = testApp();
const keys = new Map<string, SigningKey>();
beforeAll(async () => {
  const { db, keyring } = app.deps;
  for (const algorithm of ["ES256", "EdDSA"] as const) {
    // Not to sign with before anybody hears of it: it is for this test alone.
    const activatesAt = new Date(Date.now() + 86_400_000);
    const id = await transaction(db, (tx) =>
      createSigningKey(tx, keyring.signingKey, { algorithm, activatesAt }),
    );
    const row = await db.signingKey.findUniqueOrThrow({ where: { id } });
    keys.set(algorithm, await openSigningKey(keyring.signingKey, row));
  }
});

function keyOf(algorithm: string): SigningKey {
  const key = keys.get(algorithm);
  if (!key) throw new Error(`no key for ${algorithm}`);
  return key;
}

const CLAIMS = fc.record(
  {
    iss: fc.webUrl(),
    sub: fc.uuid(),
    amr: fc.array(fc.string({ unit: "grapheme" })),
    auth_time: fc.nat(),
    mfa_required: fc.boolean(),
    act: fc.record({ sub: fc.uuid() }),
  },
  { requiredKeys: ["sub"] },
);

for (const algorithm of ["ES256", "EdDSA"])
  test(`${algorithm}: what is signed here is what jose makes of the same claims, and jose verifies it`, async () => {
    const key = keyOf(algorithm);
    const privateKey = await privateKeyOf(app.deps, key.id);
    await fc.assert(
      fc.asyncProperty(CLAIMS, async (claims) => {
        const token = signJwt(key, claims);
        const theirs = await new SignJWT(claims)
          .setProtectedHeader({ alg: algorithm, typ: TYPE, kid: key.id })
          .sign(privateKey);
        expect(decodeProtectedHeader(token)).toEqual(decodeProtectedHeader(theirs));
        expect(decodeJwt(token)).toEqual(decodeJwt(theirs));
        const { payload } = await jwtVerify(token, key.publicKey, { typ: TYPE });
        expect(payload).toEqual(decodeJwt(theirs));
      }),
    );
  });

test("each key signs with its own id, in whatever order they take turns", () => {
  for (const algorithm of ["ES256", "EdDSA", "ES256"])
    expect(decodeProtectedHeader(signJwt(keyOf(algorithm), {})).kid).toBe(keyOf(algorithm).id);
});
