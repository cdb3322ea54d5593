/** Whether SECRET_KEY is the one that this database was used with. */
import type { Values } from "../../config/rules.ts";
import { deriveKeyring } from "../../crypto/secret.ts";
import { createDatabase, createPool } from "../../db/client.ts";
import { acrossTenants } from "../../db/scope.ts";
import { listSigningKeys, opensSigningKeys } from "../../signing-keys/rows.ts";
import { type Finding, note, ok, wrong } from "./finding.ts";

const TIMEOUT_SECONDS = 10;

export async function* checkKeys(values: Values): AsyncGenerator<Finding> {
  const { DATABASE_URL: databaseUrl, SECRET_KEY: secret, SECRET_KEY_PREVIOUS: previous } = values;
  if (databaseUrl === undefined || secret === undefined) return;
  const decoded = (text: string) => Buffer.from(text, "base64");
  const keyring = deriveKeyring(decoded(secret), previous ? decoded(previous) : null);
  const pool = createPool({
    databaseUrl,
    databasePoolSize: 1,
    databaseTimeoutSeconds: TIMEOUT_SECONDS,
  });
  const db = createDatabase(pool, TIMEOUT_SECONDS);
  try {
    const [keys, opens] = await acrossTenants(async () => [
      await listSigningKeys(db),
      await opensSigningKeys(db, keyring.signingKey),
    ]);
    const current = keys.find(({ state }) => state === "current");
    if (!opens)
      yield wrong(
        "keys",
        "SECRET_KEY opens none of the signing keys",
        "the SECRET_KEY that this database was used with; while it is replaced, the one before as SECRET_KEY_PREVIOUS",
      );
    else if (!current) yield note("keys", "there is no signing key yet: the first start makes one");
    else
      yield ok(
        "keys",
        `SECRET_KEY opens them; ${current.algorithm} signs since ${current.activatesAt.toISOString().slice(0, 10)}`,
      );
    if (previous !== undefined)
      yield note(
        "keys",
        "SECRET_KEY_PREVIOUS is set",
        "bun run keys reencrypt, and then without it",
      );
  } finally {
    await db.$disconnect();
    await pool.end();
  }
}
