/** Access tokens as the server signs them, made here with its key: 200,000 of them by log-in would take half an hour. */
import { deriveKeyring } from "../../src/crypto/secret.ts";
import { createAccessTokens } from "../../src/sessions/access-token.ts";
import { openSigningKey, type SigningKeyRow } from "../../src/signing-keys/rows.ts";
import type { SigningKeys } from "../../src/signing-keys/signing-keys.ts";
import { withClient } from "./database.ts";
import { idOf, type Layout, tenantOf, userOfSession } from "./layout.ts";

export const ISSUER = "https://id.bench.example";
/** As the server's own defaults have it. */
const TOKENS = { issuer: ISSUER, audience: "tenantry", accessTokenTtlSeconds: 600 };

/** Signs for the user of a seeded session. */
export type Mint = (session: number) => Promise<string>;

/** @throws Error when no server has started on the database yet: the first one makes the key. */
export async function createMint(
  ownerUrl: string,
  secretKey: string,
  layout: Layout,
): Promise<Mint> {
  const row = await withClient(ownerUrl, async (client) => {
    const { rows } = await client.query<SigningKeyRow>(
      `SELECT id, algorithm, public_jwk AS "publicJwk", private_jwk AS "privateJwk", created_at AS "createdAt",
         activates_at AS "activatesAt", retired_at AS "retiredAt" FROM signing_keys`,
    );
    return rows[0];
  });
  if (!row) throw new Error("there is no signing key yet");
  const key = await openSigningKey(deriveKeyring(Buffer.from(secretKey, "base64")).signingKey, row);
  const keys: Partial<SigningKeys> = { current: () => key };
  const accessTokens = createAccessTokens(TOKENS, keys as SigningKeys);
  return async (session) => {
    const user = userOfSession(layout, session);
    const { token } = await accessTokens.sign({
      userId: idOf("user", user),
      tenantId: idOf("tenant", tenantOf(layout, user)),
      sessionId: idOf("session", session),
      amr: ["pwd"],
      authenticatedAt: Math.floor(Date.now() / 1000),
    });
    return token;
  };
}
