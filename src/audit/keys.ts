/**
 * The keys of the seals. Each that has sealed something is kept, encrypted under what SECRET_KEY is by then, so that the log
 * can be held against its seals however often that was replaced; `bun run keys reencrypt` carries them over.
 */
import { decrypt, encrypt, type Keyring } from "../crypto/secret.ts";
import type { Database } from "../db/client.ts";
import { sealKeyId } from "./chain.ts";

export type AuditKeyring = Pick<Keyring, "audit" | "data">;

/** `closed`: the ids of those that no key at hand opens. */
export type KeptKeys = { keys: Buffer[]; closed: string[] };

type Row = { id: string; sealed: Uint8Array; since: Date };

/**
 * Keeps the keys at hand that are not kept yet: in the transaction of the first seal by them.
 * @param anew also those that are kept and do not open: somebody brings a key back that was thought lost.
 */
export async function keepAuditKeys(
  db: Database,
  keyring: AuditKeyring,
  { anew = false } = {},
): Promise<void> {
  const kept = new Map((await readRows(db)).map((row) => [row.id, row]));
  for (const key of keyring.audit) {
    const id = sealKeyId(key);
    const row = kept.get(id);
    if (row && !(anew && open(keyring, row) === null)) continue;
    await db.$executeRawUnsafe(
      `INSERT INTO audit_keys (id, sealed) VALUES (decode($1, 'hex'), $2)
       ON CONFLICT (id) DO ${anew ? "UPDATE SET sealed = excluded.sealed" : "NOTHING"}`,
      id,
      encrypt(keyring.data, key.toString("base64"), id),
    );
  }
}

/** Every key that has sealed something and can be opened. */
export async function readAuditKeys(db: Database, keyring: AuditKeyring): Promise<KeptKeys> {
  const rows = (await readRows(db)).map((row) => ({ ...row, key: open(keyring, row) }));
  return {
    keys: rows.flatMap(({ key }) => key ?? []),
    closed: rows.flatMap(({ id, key }) => (key === null ? id : [])),
  };
}

/** Since when each key is kept, opened or not, in milliseconds since 1970. */
export async function keptSince(db: Database): Promise<Map<string, number>> {
  return new Map((await readRows(db)).map(({ id, since }) => [id, since.getTime()]));
}

function readRows(db: Database): Promise<Row[]> {
  return db.$queryRawUnsafe<Row[]>(
    `SELECT encode(id, 'hex') AS id, sealed, created_at AS since FROM audit_keys ORDER BY created_at, audit_keys.id`,
  );
}

/** Null also where somebody has put another key under the name. */
function open({ data }: AuditKeyring, { id, sealed }: Row): Buffer | null {
  try {
    const key = Buffer.from(decrypt(data, sealed, id), "base64");
    return sealKeyId(key) === id ? key : null;
  } catch {
    return null;
  }
}
