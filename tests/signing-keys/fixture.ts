/** A database for the tests of signing keys, and instances that load them. */
import { randomBytes } from "node:crypto";
import type { Pool } from "pg";
import type { Keys } from "../../src/crypto/secret.ts";
import { createDatabase as createClient, createPool, type Database } from "../../src/db/client.ts";
import { loadSigningKeys, type SigningKeys } from "../../src/signing-keys/signing-keys.ts";
import { createDatabase } from "../support/postgres.ts";

type LoadOptions = { keys?: Keys; algorithm?: "ES256" | "EdDSA"; everySeconds?: number };

export type KeysFixture = {
  db: Database;
  pool: Pool;
  /** What the instances complained of. */
  errors: unknown[];
  /** As an instance does at its start. */
  load(options?: LoadOptions): Promise<SigningKeys>;
  /** Stops the instances and deletes every key. */
  reset(): Promise<void>;
  close(): Promise<void>;
};

export async function createKeysFixture(): Promise<KeysFixture> {
  const database = await createDatabase();
  const pool = createPool({
    databaseUrl: database.url,
    databasePoolSize: 10,
    databaseTimeoutSeconds: 10,
  });
  const db = createClient(pool);
  const ours: Keys = [randomBytes(32)];
  const errors: unknown[] = [];
  const loaded: SigningKeys[] = [];
  const stop = () => {
    for (const keys of loaded.splice(0)) keys.stop();
  };

  return {
    db,
    pool,
    errors,
    async load({ keys = ours, algorithm = "ES256", everySeconds = 60 } = {}) {
      const onError = (err: unknown) => errors.push(err);
      const options = { algorithm, onError, everySeconds };
      const signingKeys = await loadSigningKeys({ db, pool }, keys, options);
      loaded.push(signingKeys);
      return signingKeys;
    },
    async reset() {
      stop();
      errors.length = 0;
      await db.signingKey.deleteMany();
    },
    async close() {
      stop();
      await pool.end();
      await database.drop();
    },
  };
}
