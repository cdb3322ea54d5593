/** Holding the audit log against its seals. */
import type { Database } from "../db/client.ts";
import {
  type AuditJson,
  archiveMac,
  isMac,
  ROW_JSON,
  rowDigest,
  type Seal,
  sealHash,
  TIME,
} from "./chain.ts";
import { type Head, LATENESS_MINUTES, SEAL_COLUMNS, SETTLED_UNTIL } from "./seal.ts";

const BATCH = 5000;

/** What is wrong with the log, at the first place where something is. `row` names the row that it is about. */
export type Breach = { what: string; row: { id: string; createdAt: string } | null };
/** `sealed` and `archived` are rows; `unsealed` those that the next run of the job will seal. */
export type Verification =
  | { intact: true; sealed: number; archived: number; unsealed: number; head: Head | null }
  | { intact: false; breach: Breach };

/**
 * `chain`: one tenant's, or with null the platform's. Without it everything is verified, and only then that no chain
 * lost its end.
 */
export type VerifyOptions = { chain?: string | null; head?: Head };

type Link = Seal & { row: string | null };
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
  const archives = await readArchives(db);
  const forged = archives.find((archive) => !isMac(keys, archiveMac(archive), archive.mac));
  if (forged) return broken(`the record of the archived month ${forged.month} was changed`, null);

  const gone = new Map(archives.map(({ month }) => [month, 0]));
  const heads = new Map<string | null, string>();
  let last: Head | null = null;
  for (let links = await read(0); links.length > 0; links = await read(last?.seq ?? 0)) {
    for (const link of links) {
      const what = breachOf(link, last);
      if (what !== null) return broken(what, { id: link.auditId, createdAt: link.createdAt });
      heads.set(link.tenantId, link.hash);
      last = { seq: link.seq, hash: link.hash };
    }
  }
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
  const archived = [...gone.values()].reduce((sum, rows) => sum + rows, 0);
  const sealed = (await countSeals(db, chain)) - archived;
  return { intact: true, sealed, archived, unsealed: unsealed.length, head: last };

  function read(after: number): Promise<Link[]> {
    const text = LINKS(whereChain("s", chain, 2));
    return db.$queryRawUnsafe<Link[]>(text, after, ...argument(chain));
  }

  function breachOf(link: Link, before: Head | null): string | null {
    if (chain === undefined && link.seq !== (before?.seq ?? 0) + 1)
      return `the seals before number ${link.seq} are missing`;
    if (!isMac(keys, sealHash(link, heads.get(link.tenantId) ?? null), link.hash))
      return `the seal of the row, number ${link.seq}, was changed or moved, or the one before it is missing`;
    if (head?.seq === link.seq && head.hash !== link.hash)
      return `the log is another one since number ${head.seq} was noted`;
    if (link.row === null) {
      const month = link.createdAt.slice(0, 7);
      const rows = gone.get(month);
      if (rows === undefined) return "the row is missing";
      gone.set(month, rows + 1);
      return null;
    }
    const row = JSON.parse(link.row) as AuditJson;
    return isMac(keys, rowDigest(row), link.digest) ? null : "the row was changed";
  }
}

function broken(what: string, row: Breach["row"]): Verification {
  return {
    intact: false,
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
