/** Holding the audit log against its seals. */
import type { Database } from "../db/client.ts";
import { archiveMac, isMac, type RestoreMark, ROW_JSON, sealKeyId, TIME } from "./chain.ts";
import { createJudge, type Judge, type Link, type UnknownKey } from "./judge.ts";
import { keptSince } from "./keys.ts";
import { isNext, readRestores } from "./restores.ts";
import { type Head, LATENESS_MINUTES, SEAL_COLUMNS, SETTLED_UNTIL } from "./seal.ts";

const BATCH = 5000;

/** What is wrong with the log, at the first place where something is. `row` names the row that it is about. */
export type Breach = { what: string; row: { id: string; createdAt: string } | null };
/**
 * `sealed` and `archived` are rows; `unsealed` those that the next run of the job will seal. `key_missing`: nothing that can
 * be judged is broken, but not everything can. `restored`: all is well, but the head was noted in the time that this
 * restore took away.
 */
export type Verification =
  | {
      intact: true;
      state: "intact";
      sealed: number;
      archived: number;
      unsealed: number;
      head: Head | null;
      restores: RestoreMark[];
    }
  | { intact: false; state: "broken"; breach: Breach }
  | {
      intact: false;
      state: "key_missing";
      judged: number;
      unknown: UnknownKey[];
      /** Archived months whose record cannot be judged. */
      months: string[];
    }
  | { intact: false; state: "restored"; restore: RestoreMark; head: Head | null };

/**
 * `chain`: one tenant's, or with null the platform's. Without it everything is verified, and only then that no chain
 * lost its end.
 */
export type VerifyOptions = { chain?: string | null; head?: Head };

type Archive = { month: string; rowCount: number; sha256: string; mac: string };

const LINKS = (condition: string) => `
  SELECT ${SEAL_COLUMNS}, CASE WHEN l.id IS NOT NULL THEN ${ROW_JSON} END AS row
  FROM audit_seals AS s LEFT JOIN audit_log AS l ON l.id = s.audit_id AND l.created_at = s.created_at
  WHERE s.seq > $1 AND ${condition} ORDER BY s.seq LIMIT ${BATCH}`;

const UNSEALED = (condition: string) => `
  SELECT l.id::text AS id, ${TIME("l.created_at")} AS "createdAt", 
    l.created_at < ${SETTLED_UNTIL} OR l.created_at > now() + interval '${LATENESS_MINUTES} minutes' AS inserted
  FROM audit_log AS l LEFT JOIN audit_seals AS s ON s.created_at = l.created_at AND s.audit_id = l.id
  WHERE s.seq IS NULL AND ${condition} ORDER BY inserted DESC NULLS LAST, l.created_at, l.id LIMIT ${BATCH}`;

/**
 * Walks the chains from their beginning, and stops at the first row or seal that is not as it was sealed.
 * @param keys every key that may have sealed something.
 */
export async function verifyAuditLog(
  db: Database,
  keys: readonly Buffer[],
  { chain, head }: VerifyOptions = {},
): Promise<Verification> {
  const judge = createJudge(keys);
  const { marks, forged } = await readRestores(db, keys);
  if (forged) return broken("the row tells of a restore that nobody with the key has made", forged);
  const archives = await readArchives(db);
  const gone = new Map(archives.map(({ month }) => [month, 0]));
  const heads = new Map<string | null, Link>();
  let last: Head | null = null;
  for (let links = await read(0); links.length > 0; links = await read(last?.seq ?? 0)) {
    for (const link of links) {
      const what = breachOf(link, last);
      if (what !== null) return broken(what, { id: link.auditId, createdAt: link.createdAt });
      heads.set(link.tenantId, link);
      last = { seq: link.seq, hash: link.hash };
    }
  }
  const restore = head && marks.find(({ seq, next }) => seq < head.seq && head.seq < next);
  // Also where a restore took it away: what goes on after that has higher numbers.
  if (head && (last === null || last.seq < head.seq))
    return broken(`the seals after number ${last?.seq ?? 0} are missing`, null);
  for (const { month, rowCount } of archives)
    if (chain === undefined && gone.get(month) !== rowCount)
      return broken(
        `${rowCount} rows of ${month} were archived, and ${gone.get(month)} of it are gone`,
        null,
      );

  const unsealed = await db.$queryRawUnsafe<
    { id: string; createdAt: string; inserted: boolean | null }[]
  >(UNSEALED(whereChain("l", chain)), ...argument(chain));
  const [first] = unsealed;
  if (first?.inserted)
    return broken("the row was put into the past or the future, or lost its seal", first);
  const seals = await countSeals(db, chain);
  const unjudged = await withoutKey(db, keys, { judge, archives, seals });
  if (unjudged) return unjudged;
  if (restore) return { intact: false, state: "restored", restore, head: last };
  const archived = [...gone.values()].reduce((sum, rows) => sum + rows, 0);
  return {
    intact: true,
    state: "intact",
    sealed: seals - archived,
    archived,
    unsealed: unsealed.length,
    head: last,
    restores: marks,
  };

  function read(after: number): Promise<Link[]> {
    const text = LINKS(whereChain("s", chain, 2));
    return db.$queryRawUnsafe<Link[]>(text, after, ...argument(chain));
  }

  function breachOf(link: Link, before: Head | null): string | null {
    if (chain === undefined && !isNext(link.seq, before?.seq ?? 0, marks))
      return `the seals before number ${link.seq} are missing`;
    const breach = judge.breachOf(link, heads.get(link.tenantId) ?? null);
    if (breach !== null) return breach;
    if (head?.seq === link.seq && head.hash !== link.hash)
      return `the log is another one since number ${head.seq} was noted`;
    if (link.row !== null) return null;
    const month = link.createdAt.slice(0, 7);
    const rows = gone.get(month);
    if (rows === undefined) return "the row is missing";
    gone.set(month, rows + 1);
    return null;
  }
}

/**
 * What cannot be judged, as there is a key that is not at hand; null where there is no such thing. A key that has made
 * something is on record: what names another one was changed, and so was a record of no key at hand where none is missing.
 */
async function withoutKey(
  db: Database,
  keys: readonly Buffer[],
  { judge, archives, seals }: { judge: Judge; archives: Archive[]; seals: number },
): Promise<Verification | null> {
  const unknown = judge.unknown();
  const months = archives
    .filter((archive) => !isMac(keys, archiveMac(archive), archive.mac))
    .map(({ month }) => month);
  if (unknown.length === 0 && months.length === 0) return null;
  const kept = await keptSince(db);
  const foreign = unknown.find(({ keyId }) => keyId !== null && !kept.has(keyId));
  if (foreign)
    return broken("the seal of the row names a key that has never sealed here", foreign.from);
  const atHand = new Set(keys.map(sealKeyId));
  if (unknown.length === 0 && [...kept.keys()].every((id) => atHand.has(id)))
    return broken(`the record of the archived month ${months[0]} was changed`, null);
  const judged = seals - unknown.reduce((sum, key) => sum + key.seals, 0);
  return { intact: false, state: "key_missing", judged, unknown, months };
}

function broken(what: string, row: Breach["row"]): Verification {
  return {
    intact: false,
    state: "broken",
    breach: { what, row: row && { id: row.id, createdAt: row.createdAt } },
  };
}

function readArchives(db: Database): Promise<Archive[]> {
  return db.$queryRawUnsafe<Archive[]>(
    `SELECT month, row_count AS "rowCount", encode(sha256, 'hex') AS sha256, encode(mac, 'hex') AS mac
     FROM audit_archives ORDER BY month`,
  );
}

async function countSeals(db: Database, chain: string | null | undefined): Promise<number> {
  const [row] = await db.$queryRawUnsafe<{ count: number }[]>(
    `SELECT count(*)::float8 AS count FROM audit_seals AS s WHERE ${whereChain("s", chain)}`,
    ...argument(chain),
  );
  return row?.count ?? 0;
}

function whereChain(alias: string, chain: string | null | undefined, parameter = 1): string {
  if (chain === undefined) return "true";
  return chain === null ? `${alias}.tenant_id IS NULL` : `${alias}.tenant_id = $${parameter}::uuid`;
}

function argument(chain: string | null | undefined): string[] {
  return chain ? [chain] : [];
}
