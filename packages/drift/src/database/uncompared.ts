/** What lies in schemas that nobody compares: that there is something, and what of it depends on what is compared. */
import type pg from "pg";
import { fewOf } from "../model/words.ts";

const HOLDING = `
SELECT n.nspname AS name FROM pg_namespace n
WHERE n.nspname <> ALL ($1) AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
  AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_namespace'::regclass AND d.objid = n.oid AND d.deptype = 'e')
  AND EXISTS (
    SELECT FROM pg_depend d WHERE d.refclassid = 'pg_namespace'::regclass AND d.refobjid = n.oid AND d.classid <> 'pg_extension'::regclass AND NOT EXISTS (
      SELECT FROM pg_depend e WHERE e.classid = d.classid AND e.objid = d.objid AND e.deptype = 'e'))
ORDER BY 1`;

/** To be called within a read transaction. Nothing where all of the schemas that hold objects are compared. */
export async function uncomparedNotes(client: pg.Client, schemas: string[]): Promise<string[]> {
  const { rows } = await client.query<{ name: string }>(HOLDING, [schemas]);
  if (rows.length === 0) return [];
  const names = rows.map(({ name }) => name);
  return [
    `Not compared, though there are objects in ${names.length === 1 ? "it" : "them"}: schema ${fewOf(names)}. --schemas names those that are compared.`,
  ];
}

const COMPARED = "SELECT oid FROM pg_namespace WHERE nspname = ANY ($1)";
const RELATION = `CASE r.relkind WHEN 'v' THEN 'view ' WHEN 'm' THEN 'materialized view ' WHEN 'S' THEN 'sequence '
  WHEN 'i' THEN 'index ' WHEN 'I' THEN 'index ' WHEN 'f' THEN 'foreign table ' WHEN 'c' THEN 'composite type ' ELSE 'table ' END || r.oid::regclass`;
const ROUTINE = `CASE o.prokind WHEN 'p' THEN 'procedure ' WHEN 'a' THEN 'aggregate ' ELSE 'function ' END`;
const TYPE = `CASE t.typtype WHEN 'e' THEN 'enum ' WHEN 'd' THEN 'domain ' WHEN 'r' THEN 'range type ' ELSE 'composite type ' END`;

/**
 * What is in other schemas, each under the key of what it needs: by the relation that it is a part of, as a view's query, a
 * default, a key, a trigger or a policy is, else by itself. It is looked for first: that is little, and a database is large.
 */
const DEPENDANTS = `
WITH d AS MATERIALIZED (
  SELECT d.refclassid, d.refobjid, d.refobjsubid, CASE WHEN c.oid IS NOT NULL THEN c.oid::regclass::text WHEN f.oid IS NOT NULL THEN f.oid::regprocedure::text
    WHEN y.oid IS NOT NULL THEN y.oid::regtype::text ELSE other.identity END AS name
  FROM pg_depend d
  LEFT JOIN pg_rewrite w ON d.classid = 'pg_rewrite'::regclass AND w.oid = d.objid
  LEFT JOIN pg_constraint k ON d.classid = 'pg_constraint'::regclass AND k.oid = d.objid
  LEFT JOIN pg_attrdef x ON d.classid = 'pg_attrdef'::regclass AND x.oid = d.objid
  LEFT JOIN pg_trigger g ON d.classid = 'pg_trigger'::regclass AND g.oid = d.objid
  LEFT JOIN pg_policy p ON d.classid = 'pg_policy'::regclass AND p.oid = d.objid
  LEFT JOIN pg_class c ON c.oid = coalesce(w.ev_class, nullif(k.conrelid, 0), x.adrelid, g.tgrelid, p.polrelid,
    CASE WHEN d.classid = 'pg_class'::regclass THEN d.objid END)
  LEFT JOIN pg_proc f ON d.classid = 'pg_proc'::regclass AND f.oid = d.objid
  LEFT JOIN pg_type y ON y.oid = coalesce(nullif(k.contypid, 0), CASE WHEN d.classid = 'pg_type'::regclass THEN d.objid END)
  LEFT JOIN LATERAL (
    -- Of NULL it is not asked, which a WHERE would not spare: it takes long.
    SELECT i.schema, i.identity
    FROM pg_identify_object(CASE WHEN c.oid IS NULL AND f.oid IS NULL AND y.oid IS NULL THEN d.classid END, d.objid, 0) i
  ) other ON true
  LEFT JOIN pg_namespace n ON n.oid = coalesce(c.relnamespace, f.pronamespace, y.typnamespace)
  WHERE d.deptype IN ('n', 'a') AND coalesce(n.nspname, other.schema) <> ALL ($1) AND n.nspname IS DISTINCT FROM 'pg_toast'
    AND d.refobjid IN (
      SELECT oid FROM pg_class WHERE relnamespace IN (${COMPARED}) UNION ALL SELECT oid FROM pg_proc WHERE pronamespace IN (${COMPARED})
      UNION ALL SELECT oid FROM pg_type WHERE typnamespace IN (${COMPARED}) UNION ALL SELECT oid FROM pg_constraint WHERE connamespace IN (${COMPARED}))
)
SELECT DISTINCT needed.key, d.name
FROM d CROSS JOIN LATERAL (
  SELECT ${RELATION} AS key FROM pg_class r
  WHERE d.refclassid = 'pg_class'::regclass AND r.oid = d.refobjid AND r.relnamespace IN (${COMPARED})
  UNION ALL
  SELECT 'column ' || a.attrelid::regclass || '.' || quote_ident(a.attname) FROM pg_attribute a JOIN pg_class r ON r.oid = a.attrelid
  WHERE d.refclassid = 'pg_class'::regclass AND a.attrelid = d.refobjid AND a.attnum = d.refobjsubid AND a.attnum > 0
    AND r.relnamespace IN (${COMPARED})
  UNION ALL
  SELECT 'constraint ' || o.conrelid::regclass || '.' || quote_ident(o.conname) FROM pg_constraint o
  WHERE o.conrelid <> 0 AND o.connamespace IN (${COMPARED}) AND (
    d.refclassid = 'pg_class'::regclass AND o.conindid = d.refobjid AND o.contype IN ('p', 'u', 'x')
    OR d.refclassid = 'pg_constraint'::regclass AND o.oid = d.refobjid)
  UNION ALL
  SELECT ${ROUTINE} || quote_ident(n.nspname) || '.' || quote_ident(o.proname) || '(' || oidvectortypes(o.proargtypes) || ')'
  FROM pg_proc o JOIN pg_namespace n ON n.oid = o.pronamespace
  WHERE d.refclassid = 'pg_proc'::regclass AND o.oid = d.refobjid AND o.pronamespace IN (${COMPARED})
  UNION ALL
  SELECT CASE WHEN r.relkind IN ('r', 'p', 'v', 'm', 'f') THEN ${RELATION} ELSE ${TYPE} || t.oid::regtype END
  FROM pg_type t LEFT JOIN pg_class r ON r.oid = t.typrelid
  WHERE d.refclassid = 'pg_type'::regclass AND t.oid IN (d.refobjid, (SELECT e.typelem FROM pg_type e WHERE e.oid = d.refobjid AND e.typcategory = 'A'))
    AND t.typnamespace IN (${COMPARED})
) needed
ORDER BY 1, 2`;

/** To be called within a read transaction. Names of what depends on an object, by its key. */
export async function readDependants(
  client: pg.Client,
  schemas: string[],
): Promise<Map<string, string[]>> {
  const { rows } = await client.query<{ key: string; name: string }>(DEPENDANTS, [schemas]);
  const byKey = new Map<string, string[]>();
  for (const { key, name } of rows) byKey.set(key, [...(byKey.get(key) ?? []), name]);
  return byKey;
}
