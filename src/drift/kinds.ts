/**
 * The kinds of object that are compared, each one SELECT of (schema, name, parent, definition).
 *
 * Where PostgreSQL prints a definition itself (`pg_get_*def`) that text is taken; what it leaves out (switched off, not
 * valid, clustered, …) stands behind it. There are no OIDs in the texts, and everything that has no order of its own
 * is sorted. SQL is never parsed.
 */

/** True unless the object belongs to an extension or is made and kept by another object, such as an identity column. */
const standsAlone = (catalog: string, oid: string) => `NOT EXISTS (
  SELECT FROM pg_depend d
  WHERE d.classid = '${catalog}'::regclass AND d.objid = ${oid} AND d.objsubid = 0 AND d.deptype IN ('e', 'i'))`;

/** A list in an order that does not depend on how it came about; NULL when it is empty, so that concat_ws skips it. */
const sorted = (query: string) => `nullif(array_to_string(ARRAY(${query} ORDER BY 1), ', '), '')`;

const options = (column: string) => `'WITH (' || ${sorted(`SELECT unnest(${column})`)} || ')'`;

const firing = (column: string) =>
  `CASE ${column} WHEN 'D' THEN 'DISABLED' WHEN 'R' THEN 'ENABLED ON REPLICA' WHEN 'A' THEN 'ENABLED ALWAYS' END`;

const sequenceOptions = `concat_ws(' ', 'START', s.seqstart, 'INCREMENT', s.seqincrement, 'MINVALUE', s.seqmin,
  'MAXVALUE', s.seqmax, 'CACHE', s.seqcache, CASE WHEN s.seqcycle THEN 'CYCLE' END)`;

/** State of an index that no deparsed text shows. */
const indexState = `nullif(concat_ws(' ',
  CASE WHEN NOT i.indisvalid THEN 'INVALID' END,
  CASE WHEN i.indisclustered THEN 'CLUSTER' END,
  CASE WHEN i.indisreplident THEN 'REPLICA IDENTITY' END,
  'STATISTICS (' || ${sorted(`SELECT a.attnum || ': ' || a.attstattarget FROM pg_attribute a
    WHERE a.attrelid = i.indexrelid AND a.attstattarget >= 0`)} || ')'), '')`;

/** Tables of the query that the SELECTs below share. $1 is the list of schemas that are compared. */
export const scope = `
namespace AS (
  SELECT oid, quote_ident(nspname) AS schema, 'schema ' || quote_ident(nspname) AS key
  FROM pg_namespace
  WHERE nspname = ANY ($1)
),
relation AS (
  SELECT c.*, n.schema, n.key AS schema_key, quote_ident(c.relname) AS name,
    CASE c.relkind WHEN 'v' THEN 'view' WHEN 'm' THEN 'materialized view' WHEN 'f' THEN 'foreign table' ELSE 'table' END
      || ' ' || n.schema || '.' || quote_ident(c.relname) AS key
  FROM pg_class c JOIN namespace n ON n.oid = c.relnamespace
  WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f') AND ${standsAlone("pg_class", "c.oid")}
),
routine AS (
  SELECT p.*, n.schema, n.key AS schema_key,
    quote_ident(p.proname) || '(' || oidvectortypes(p.proargtypes) || ')' AS name
  FROM pg_proc p JOIN namespace n ON n.oid = p.pronamespace
  WHERE ${standsAlone("pg_proc", "p.oid")}
)`;

export const kinds = {
  schema: "SELECT '', schema, '', 'SCHEMA' FROM namespace",

  extension: `
    SELECT '', quote_ident(e.extname), '', concat_ws(' ', 'VERSION', quote_literal(e.extversion), 'SCHEMA', n.schema)
    FROM pg_extension e JOIN namespace n ON n.oid = e.extnamespace`,

  table: `
    SELECT r.schema, r.name, coalesce(parent.key, r.schema_key), concat_ws(' ',
      CASE r.relpersistence WHEN 'u' THEN 'UNLOGGED' END,
      'TABLE',
      'OF ' || nullif(r.reloftype, 0)::regtype,
      CASE WHEN r.relispartition THEN 'PARTITION OF ' ELSE 'INHERITS ' END || ${sorted(
        "SELECT h.inhparent::regclass::text FROM pg_inherits h WHERE h.inhrelid = r.oid",
      )},
      pg_get_expr(r.relpartbound, r.oid),
      'PARTITION BY ' || pg_get_partkeydef(r.oid),
      'USING ' || (SELECT quote_ident(amname) FROM pg_am WHERE oid = r.relam AND amname <> 'heap'),
      ${options("r.reloptions")},
      'TOAST ' || (SELECT ${options("t.reloptions")} FROM pg_class t WHERE t.oid = r.reltoastrelid),
      CASE r.relreplident WHEN 'n' THEN 'REPLICA IDENTITY NOTHING' WHEN 'f' THEN 'REPLICA IDENTITY FULL' END,
      CASE WHEN r.relrowsecurity THEN 'ENABLE ROW LEVEL SECURITY' END,
      CASE WHEN r.relforcerowsecurity THEN 'FORCE ROW LEVEL SECURITY' END)
    FROM relation r
    LEFT JOIN pg_inherits h ON h.inhrelid = r.oid AND r.relispartition
    LEFT JOIN relation parent ON parent.oid = h.inhparent
    WHERE r.relkind IN ('r', 'p')`,

  column: `
    SELECT r.schema, r.name || '.' || quote_ident(a.attname), r.key, concat_ws(' ',
      format_type(a.atttypid, a.atttypmod),
      'COLLATE ' || (SELECT nullif(a.attcollation, t.typcollation)::regcollation FROM pg_type t WHERE t.oid = a.atttypid),
      -- From PostgreSQL 18 on NOT NULL is a constraint with a name and may be NOT VALID; the mark on the column is in all.
      CASE WHEN a.attnotnull THEN 'NOT NULL' END,
      (SELECT substring(pg_get_constraintdef(c.oid) FROM 'NO INHERIT.*|NOT VALID.*') FROM pg_constraint c
        WHERE c.contype = 'n' AND c.conrelid = a.attrelid AND c.conkey = ARRAY[a.attnum]),
      CASE a.attgenerated WHEN '' THEN 'DEFAULT ' ELSE 'GENERATED ALWAYS AS ' END || pg_get_expr(d.adbin, d.adrelid),
      CASE a.attgenerated WHEN 's' THEN 'STORED' WHEN 'v' THEN 'VIRTUAL' END,
      CASE a.attidentity WHEN 'a' THEN 'GENERATED ALWAYS AS IDENTITY' WHEN 'd' THEN 'GENERATED BY DEFAULT AS IDENTITY' END,
      '(' || (SELECT ${sequenceOptions} FROM pg_depend o JOIN pg_sequence s ON s.seqrelid = o.objid
        WHERE o.refclassid = 'pg_class'::regclass AND o.refobjid = a.attrelid AND o.refobjsubid = a.attnum
          AND o.classid = 'pg_class'::regclass AND o.deptype = 'i' AND a.attidentity <> '') || ')',
      'STORAGE ' || (SELECT CASE a.attstorage WHEN 'p' THEN 'PLAIN' WHEN 'e' THEN 'EXTERNAL' WHEN 'x' THEN 'EXTENDED' ELSE 'MAIN' END
        FROM pg_type t WHERE t.oid = a.atttypid AND t.typstorage <> a.attstorage),
      CASE a.attcompression WHEN 'p' THEN 'COMPRESSION pglz' WHEN 'l' THEN 'COMPRESSION lz4' END,
      CASE WHEN a.attstattarget >= 0 THEN 'STATISTICS ' || a.attstattarget END,
      ${options("a.attoptions")})
    FROM relation r
    JOIN pg_attribute a ON a.attrelid = r.oid AND a.attnum > 0 AND NOT a.attisdropped
    LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
    WHERE r.relkind IN ('r', 'p')`,

  // Inherited constraints follow their parent and are not listed again. The triggers behind a key can be off as well.
  constraint: `
    SELECT r.schema, r.name || '.' || quote_ident(c.conname), r.key, concat_ws(' ',
      pg_get_constraintdef(c.oid),
      (SELECT nullif(concat_ws(' ', ${indexState}, ${options("x.reloptions")}), '')
        FROM pg_index i JOIN pg_class x ON x.oid = i.indexrelid
        WHERE i.indexrelid = c.conindid AND c.contype IN ('p', 'u', 'x')),
      'TRIGGERS ' || ${sorted(`SELECT DISTINCT ${firing("t.tgenabled")} || ' ON ' || t.tgrelid::regclass FROM pg_trigger t
        WHERE t.tgconstraint = c.oid AND t.tgisinternal AND t.tgenabled <> 'O'`)})
    FROM relation r JOIN pg_constraint c ON c.conrelid = r.oid
    WHERE c.contype IN ('c', 'f', 'p', 'u', 'x') AND c.conislocal`,

  // Without those behind a constraint, and without those that a partition has because its parent has one.
  index: `
    SELECT r.schema, quote_ident(x.relname), r.key, concat_ws(' ', pg_get_indexdef(i.indexrelid), ${indexState})
    FROM relation r JOIN pg_index i ON i.indrelid = r.oid JOIN pg_class x ON x.oid = i.indexrelid
    WHERE NOT x.relispartition
      AND NOT EXISTS (SELECT FROM pg_constraint c WHERE c.conindid = i.indexrelid AND c.contype IN ('p', 'u', 'x'))`,

  // A partition's copy of a trigger counts only where it is switched on or off by itself.
  trigger: `
    SELECT r.schema, r.name || '.' || quote_ident(t.tgname), r.key, concat_ws(' ',
      pg_get_triggerdef(t.oid), ${firing("t.tgenabled")})
    FROM relation r JOIN pg_trigger t ON t.tgrelid = r.oid LEFT JOIN pg_trigger parent ON parent.oid = t.tgparentid
    WHERE NOT t.tgisinternal AND (parent.oid IS NULL OR parent.tgenabled <> t.tgenabled)`,

  policy: `
    SELECT r.schema, r.name || '.' || quote_ident(p.polname), r.key, concat_ws(' ',
      CASE WHEN p.polpermissive THEN 'AS PERMISSIVE' ELSE 'AS RESTRICTIVE' END,
      'FOR ' || CASE p.polcmd WHEN 'r' THEN 'SELECT' WHEN 'a' THEN 'INSERT' WHEN 'w' THEN 'UPDATE' WHEN 'd' THEN 'DELETE' ELSE 'ALL' END,
      'TO ' || ${sorted("SELECT CASE role WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(role)) END FROM unnest(p.polroles) role")},
      'USING (' || pg_get_expr(p.polqual, p.polrelid) || ')',
      'WITH CHECK (' || pg_get_expr(p.polwithcheck, p.polrelid) || ')')
    FROM relation r JOIN pg_policy p ON p.polrelid = r.oid`,

  view: `
    SELECT r.schema, r.name, r.schema_key, concat_ws(' ', ${options("r.reloptions")}, 'AS', pg_get_viewdef(r.oid))
    FROM relation r WHERE r.relkind = 'v'`,

  "materialized view": `
    SELECT r.schema, r.name, r.schema_key, concat_ws(' ',
      ${options("r.reloptions")}, 'AS', pg_get_viewdef(r.oid), CASE WHEN NOT r.relispopulated THEN 'WITH NO DATA' END)
    FROM relation r WHERE r.relkind = 'm'`,

  // A sequence that a column owns goes with the column.
  sequence: `
    SELECT n.schema, quote_ident(c.relname), coalesce('column ' || owner.name, n.key), concat_ws(' ',
      CASE WHEN c.relpersistence = 'u' AND owner.persistence IS DISTINCT FROM 'u' THEN 'UNLOGGED' END,
      'SEQUENCE AS', format_type(s.seqtypid, NULL), ${sequenceOptions}, 'OWNED BY ' || owner.name)
    FROM pg_sequence s JOIN pg_class c ON c.oid = s.seqrelid JOIN namespace n ON n.oid = c.relnamespace
    LEFT JOIN LATERAL (
      SELECT r.schema || '.' || r.name || '.' || quote_ident(a.attname) AS name, r.relpersistence AS persistence
      FROM pg_depend d JOIN relation r ON r.oid = d.refobjid
      JOIN pg_attribute a ON a.attrelid = r.oid AND a.attnum = d.refobjsubid
      WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'a'
        AND d.refclassid = 'pg_class'::regclass) owner ON true
    WHERE ${standsAlone("pg_class", "c.oid")}`,

  function: `
    SELECT p.schema, p.name, p.schema_key, pg_get_functiondef(p.oid) FROM routine p WHERE p.prokind IN ('f', 'w')`,

  procedure: `
    SELECT p.schema, p.name, p.schema_key, pg_get_functiondef(p.oid) FROM routine p WHERE p.prokind = 'p'`,

  enum: `
    SELECT n.schema, quote_ident(t.typname), n.key, 'ENUM (' || array_to_string(ARRAY(
      SELECT quote_literal(e.enumlabel) FROM pg_enum e WHERE e.enumtypid = t.oid ORDER BY e.enumsortorder), ', ') || ')'
    FROM pg_type t JOIN namespace n ON n.oid = t.typnamespace
    WHERE t.typtype = 'e' AND ${standsAlone("pg_type", "t.oid")}`,
} as const satisfies Record<string, string>;
