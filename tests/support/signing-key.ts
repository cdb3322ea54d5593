/** The private part of a signing key, for a test that forges tokens: the server hands it to nobody. */
import { type CryptoKey, importJWK } from "jose";
import { decrypt, type Keys } from "../../src/crypto/secret.ts";
import type { Database } from "../../src/db/client.ts";

type Held = { db: Database; keyring: { signingKey: Keys } };

export async function privateKeyOf({ db, keyring }: Held, id: string): Promise<CryptoKey> {
  const { privateJwk, algorithm } = await db.signingKey.findUniqueOrThrow({ where: { id } });
  const jwk = JSON.parse(decrypt(keyring.signingKey, privateJwk, id));
  return (await importJWK(jwk, algorithm)) as CryptoKey;
}
