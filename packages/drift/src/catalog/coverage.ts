/** What the check does not compare must not pass in silence: this looks for objects of the kinds that are not modelled. */
import type pg from "pg";

export type Unmodelled = { kind: string; names: string[] };

/** Each a SELECT of (class, object, sub-object); a kind leaves this table when it enters that of the compared kinds. */
const unmodelled = {
  "base type": `SELECT 'pg_type', oid, 0 FROM pg_type WHERE typtype = 'b' AND typcategory <> 'A'`,
  "shell type": "SELECT 'pg_type', oid, 0 FROM pg_type WHERE typtype = 'p'",
  conversion: "SELECT 'pg_conversion', oid, 0 FROM pg_conversion",
  transform: "SELECT 'pg_transform', oid, 0 FROM pg_transform",
  language: "SELECT 'pg_language', oid, 0 FROM pg_language",
  "access method": "SELECT 'pg_am', oid, 0 FROM pg_am",
  subscription: `SELECT 'pg_subscription', oid, 0 FROM pg_subscription
    WHERE subdbid = (SELECT oid FROM pg_database WHERE datname = current_database())`,
  "security label": "SELECT classoid::regclass::text, objoid, objsubid FROM pg_seclabel",
} as const satisfies Record<string, string>;

/** 16384 is the first OID of objects that are not PostgreSQL's own. */
const COVERAGE = `
SELECT kind, array_agg(DISTINCT o.identity ORDER BY o.identity) AS names
FROM (
${Object.entries(unmodelled)
  .map(([kind, select]) => `SELECT '${kind}' AS kind, u.* FROM (${select}) AS u (class, id, sub)`)
  .join("\nUNION ALL\n")}
) found, LATERAL pg_identify_object(found.class::regclass, found.id, found.sub) o
WHERE found.id >= 16384 AND (o.schema IS NULL OR o.schema = ANY ($1))
  AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = found.class::regclass AND d.objid = found.id AND d.deptype = 'e')
GROUP BY kind ORDER BY kind`;

/** To be called within `inReadTransaction`. */
export async function readUnmodelled(client: pg.Client, schemas: string[]): Promise<Unmodelled[]> {
  const { rows } = await client.query<Unmodelled>(COVERAGE, [schemas]);
  return rows;
}
