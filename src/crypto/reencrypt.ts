/** After SECRET_KEY was replaced: what an older key encrypted is encrypted anew, so that the older one can go. */
import type { Pool } from "pg";
import { type Keyring, type Keys, renewEncryption } from "./secret.ts";

const BATCH = 500;

/** `read` takes the last id seen and a limit; `write` the id, what was read and what takes its place. */
type Source = { purpose: "signingKey" | "data"; first: string; read: string; write: string };

const FIRST_UUID = "00000000-0000-0000-0000-000000000000";

/** All that is stored encrypted; each value under the id of its row. */
export const SOURCES = {
  "signing keys": {
    purpose: "signingKey",
    first: "",
    read: `SELECT id, private_jwk AS sealed FROM signing_keys WHERE id > $1 ORDER BY id LIMIT $2`,
    write: `UPDATE signing_keys SET private_jwk = $3 WHERE id = $1 AND private_jwk = $2`,
  },
  "authenticator apps": {
    purpose: "data",
    first: FIRST_UUID,
    read: `SELECT id, secret AS sealed FROM totp_factors WHERE id > $1 ORDER BY id LIMIT $2`,
    write: `UPDATE totp_factors SET secret = $3 WHERE id = $1 AND secret = $2`,
  },
  "one-time tokens": {
    purpose: "data",
    first: FIRST_UUID,
    read: `
      SELECT id, payload AS sealed FROM one_time_tokens WHERE id > $1 AND payload IS NOT NULL ORDER BY id LIMIT $2`,
    write: `UPDATE one_time_tokens SET payload = $3 WHERE id = $1 AND payload = $2`,
  },
  "idempotency keys": {
    purpose: "data",
    first: FIRST_UUID,
    read: `
      SELECT id, response AS sealed FROM idempotency_keys WHERE id > $1 AND response IS NOT NULL ORDER BY id LIMIT $2`,
    write: `UPDATE idempotency_keys SET response = $3 WHERE id = $1 AND response = $2`,
  },
  "keys of the audit log": {
    purpose: "data",
    first: "",
    read: `
      SELECT encode(id, 'hex') AS id, sealed FROM audit_keys WHERE encode(id, 'hex') > $1 ORDER BY 1 LIMIT $2`,
    write: `UPDATE audit_keys SET sealed = $3 WHERE id = decode($1, 'hex') AND sealed = $2`,
  },
  jobs: {
    purpose: "data",
    first: FIRST_UUID,
    read: `
      SELECT id, decode(data->>'sealed', 'base64') AS sealed FROM pgboss.job
      WHERE id > $1 AND data ? 'sealed' AND state <> 'completed' ORDER BY id LIMIT $2`,
    // encode() breaks its lines.
    write: `
      UPDATE pgboss.job SET data = jsonb_build_object('sealed', translate(encode($3, 'base64'), E'\\n', ''))
      WHERE id = $1 AND decode(data->>'sealed', 'base64') = $2`,
  },
} as const satisfies Record<string, Source>;

export type Reencryption = {
  name: keyof typeof SOURCES;
  /** How many the current key encrypts already, how many it does since now, and how many no key opens. */
  upToDate: number;
  renewed: number;
  unreadable: number;
};

/**
 * Encrypts with the current key what it has not encrypted. It may run beside instances and be broken off at any point:
 * a value is replaced where it still is what was read, and by one that says the same. Unreadable values stay as they are.
 */
export async function reencrypt(pool: Pool, keyring: Keyring): Promise<Reencryption[]> {
  const results: Reencryption[] = [];
  for (const name of Object.keys(SOURCES) as (keyof typeof SOURCES)[])
    results.push({ name, ...(await reencryptSource(pool, keyring, SOURCES[name])) });
  return results;
}

type Value = { id: string; sealed: Buffer };

async function reencryptSource(
  pool: Pool,
  keyring: Keyring,
  { purpose, first, read, write }: Source,
) {
  const counts = { upToDate: 0, renewed: 0, unreadable: 0 };
  for (let after = first, full = true; full; ) {
    const { rows } = await pool.query<Value>(read, [after, BATCH]);
    for (const { id, sealed } of rows) {
      const renewed = renew(keyring[purpose], sealed, id);
      if (renewed === null) counts.upToDate += 1;
      else if (renewed === undefined) counts.unreadable += 1;
      // One row at a time: a batch would hold locks that log-ins wait for, and could deadlock with them.
      else counts.renewed += (await pool.query(write, [id, sealed, renewed])).rowCount ?? 0;
    }
    after = rows.at(-1)?.id ?? after;
    full = rows.length === BATCH;
  }
  return counts;
}

/** Null when there is nothing to do, undefined when nothing can be done. */
function renew(keys: Keys, sealed: Buffer, context: string): Buffer | null | undefined {
  try {
    return renewEncryption(keys, sealed, context);
  } catch {
    return undefined;
  }
}
