/**
 * After the database was brought back to an older state. What was used up, ended or revoked since then is as good as new
 * there: a refresh token that somebody stole and that was revoked, a link that was opened, a key that leaked. Which ones
 * nobody knows any more, so all of them end.
 */
import { markRestore, RESTORED, recordRestore, type SignedMark } from "../audit/restores.ts";
import { type Head, lockSeals, sealFrom } from "../audit/seal.ts";
import type { Deps } from "../context.ts";
import type { Database, Transaction } from "../db/client.ts";
import { commit } from "../db/commit.ts";
import { PENDING_INVITATION_SQL } from "../db/live.ts";
import type { RevocationReason } from "../sessions/revoke.ts";
import { replaceSigningKeysWithin } from "../signing-keys/rotate.ts";

type Parts = Pick<Deps, "db" | "keyring" | "config" | "log">;
type Ending = { table: string; which: string; how: string };

const REASON = "database_restored" satisfies RevocationReason;

/** Each a statement; `how` is what is set, or null where the rows go. */
const ENDINGS = {
  sessions: {
    table: "sessions",
    which: "revoked_at IS NULL AND expires_at > now()",
    how: `UPDATE sessions SET revoked_at = now(), revoked_reason = '${REASON}'`,
  },
  /** Also those that a theft has made forgotten are known again. */
  devices: {
    table: "sessions",
    which: "device_id IS NOT NULL",
    how: "UPDATE sessions SET device_id = NULL",
  },
  /** Links, codes and half-finished log-ins. */
  oneTimeTokens: {
    table: "one_time_tokens",
    which: "used_at IS NULL AND expires_at > now()",
    how: "UPDATE one_time_tokens SET used_at = now()",
  },
  /** They stay, and their links end: whoever may invite sends them again. */
  invitations: {
    table: "invitations",
    which: PENDING_INVITATION_SQL,
    how: "UPDATE invitations SET token_hash = sha256(uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid()))",
  },
  apiKeys: {
    table: "api_keys",
    which: "revoked_at IS NULL AND (expires_at IS NULL OR expires_at > now())",
    how: "UPDATE api_keys SET revoked_at = now()",
  },
  /** They went out then. Their links are void by now. */
  mails: {
    table: "pgboss.job",
    which: "name IN ('mail', 'notice', 'mail_request') AND state IN ('created', 'retry', 'active')",
    how: "DELETE FROM pgboss.job",
  },
} as const satisfies Record<string, Ending>;

export type Ended = Record<keyof typeof ENDINGS, number>;
export type RestoreOptions = {
  /** Machines go on with the keys that they have: also with those that were revoked since then. */
  keepApiKeys: boolean;
  /** Although it was done before. */
  again: boolean;
};
export type Restored = {
  /** False when it was done before, and nothing says that the database was brought back once more. */
  done: boolean;
  at: string;
  /** The last seal of the state that the database was brought back to. */
  seq: number;
  ended: Ended;
  /** The last seal of all since then. */
  head: Head | null;
};

/** How much would end. */
export async function countRestorable(db: Database): Promise<Ended> {
  const counts = Object.entries(ENDINGS).map(async ([name, { table, which }]) => {
    const [row] = await db.$queryRawUnsafe<{ count: number }[]>(
      `SELECT count(*)::float8 AS count FROM ${table} WHERE ${which}`,
    );
    return [name, row?.count ?? 0];
  });
  return Object.fromEntries(await Promise.all(counts));
}

/**
 * Ends all that, makes a new signing key in place of every other one, and marks the place in the audit log from which it
 * goes on; all of it or nothing. Done twice it does nothing the second time. Instances that run hear of it.
 */
export function closeRestore(ctx: Parts, options: RestoreOptions): Promise<Restored> {
  return commit(ctx, (tx) => close(tx, ctx, options));
}

async function close(
  tx: Transaction,
  { keyring, config }: Parts,
  { keepApiKeys, again }: RestoreOptions,
): Promise<Restored> {
  const last = await lockSeals(tx);
  const place = await placeOf(tx);
  const before = await lastClosing(tx);
  if (before && before.place === place && !again) {
    const { at, seq } = before.mark;
    return { done: false, at, seq, ended: before.ended, head: last };
  }
  await replaceSigningKeysWithin(tx, keyring.signingKey, { algorithm: config.signingAlgorithm });
  const ended = Object.fromEntries(Object.keys(ENDINGS).map((name) => [name, 0])) as Ended;
  for (const name of Object.keys(ENDINGS) as (keyof Ended)[])
    if (!(name === "apiKeys" && keepApiKeys))
      ended[name] = await tx.$executeRawUnsafe(`${ENDINGS[name].how} WHERE ${ENDINGS[name].which}`);
  const mark = markRestore(keyring.audit[0], last, new Date());
  const details: Closing = { mark, place, ended, keepApiKeys };
  await recordRestore(tx, details);
  const { head } = await sealFrom(tx, keyring, mark.next);
  return { done: true, at: mark.at, seq: mark.seq, ended, head };
}

type Closing = { mark: SignedMark; place: string; ended: Ended; keepApiKeys: boolean };

async function lastClosing(tx: Transaction): Promise<Closing | null> {
  const row = await tx.auditLog.findFirst({
    where: { action: RESTORED, tenantId: null },
    orderBy: [{ createdAt: "desc" }, { id: "desc" }],
    select: { details: true },
  });
  return (row?.details as Closing | undefined) ?? null;
}

/**
 * Another one after each way of bringing a state back but a copy of the files: a dump makes tables anew, a copied template a
 * database, and recovery to a point in time a timeline.
 */
async function placeOf(tx: Transaction): Promise<string> {
  const [row] = await tx.$queryRawUnsafe<{ place: string }[]>(
    `SELECT concat_ws('.', oid, pg_relation_filenode('public.sessions'), (SELECT timeline_id FROM pg_control_checkpoint())) AS place
     FROM pg_database WHERE datname = current_database()`,
  );
  return row?.place ?? "";
}
