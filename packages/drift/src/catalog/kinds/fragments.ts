/** Pieces of SQL that the kinds share. */

/** Where PostgreSQL's own catalogues keep an object: comments, grants and owners are found by it. Not part of a result. */
export const at = (catalog: string, oid: string, sub = "0") =>
  `'${catalog}'::regclass, ${oid}, ${sub}::int`;

/**
 * True unless the object is PostgreSQL's own, belongs to an extension, or is made and kept by another object, such as an
 * identity column. 16384 is the first OID that is not PostgreSQL's own.
 */
export const standsAlone = (catalog: string, oid: string) => `${oid} >= 16384 AND NOT EXISTS (
  SELECT FROM pg_depend link
  WHERE link.classid = '${catalog}'::regclass AND link.objid = ${oid} AND link.objsubid = 0 AND link.deptype IN ('e', 'i'))`;

/** A list in an order that does not depend on how it came about; NULL when it is empty, so that concat_ws skips it. */
export const sorted = (query: string) =>
  `nullif(array_to_string(ARRAY(${query} ORDER BY 1), ', '), '')`;

/** The SQL of an object, and behind it what that cannot say: each what would follow ALTER. */
export const withState = (sql: string, ...state: string[]) => `concat_ws('; ', ${[sql, ...state]})`;

export const options = (column: string) =>
  `CASE WHEN ${column} IS NOT NULL THEN 'WITH (' || ${sorted(`SELECT unnest(${column})`)} || ')' END`;

/** Options may hold passwords, and a report or a snapshot must not: such a value is not compared. */
export const notSecret = (name: string, value: string) =>
  `CASE WHEN ${name} ~* 'pass|secret|token|key|credential' THEN '''…''' ELSE quote_literal(${value}) END`;

/** Options of foreign data: of a wrapper, a server, a table or a column. */
export const foreignOptions = (column: string) =>
  `CASE WHEN ${column} IS NOT NULL THEN 'OPTIONS (' || ${sorted(
    `SELECT quote_ident(o.option_name) || ' ' || ${notSecret("o.option_name", "o.option_value")}
   FROM pg_options_to_table(${column}) o`,
  )} || ')' END`;

/** Triggers and rules: on for ordinary sessions unless said otherwise. */
export const firing = (column: string) =>
  `CASE ${column} WHEN 'D' THEN 'DISABLE' WHEN 'R' THEN 'ENABLE REPLICA' WHEN 'A' THEN 'ENABLE ALWAYS' END`;

export const tablespace = (oid: string) =>
  `CASE WHEN ${oid} <> 0 THEN 'TABLESPACE ' || (SELECT quote_ident(spcname) FROM pg_tablespace WHERE oid = ${oid}) END`;

export const sequenceOptions = `concat_ws(' ', 'START', s.seqstart, 'INCREMENT', s.seqincrement, 'MINVALUE', s.seqmin,
  'MAXVALUE', s.seqmax, 'CACHE', s.seqcache, CASE WHEN s.seqcycle THEN 'CYCLE' END)`;

/** State of a column that its definition leaves out; pg_attribute a and its pg_type t. */
export const columnState = [
  `CASE WHEN a.attstorage <> t.typstorage THEN
    'SET STORAGE ' || CASE a.attstorage WHEN 'p' THEN 'PLAIN' WHEN 'e' THEN 'EXTERNAL' WHEN 'x' THEN 'EXTENDED' ELSE 'MAIN' END END`,
  "CASE a.attcompression WHEN 'p' THEN 'SET COMPRESSION pglz' WHEN 'l' THEN 'SET COMPRESSION lz4' END",
  "CASE WHEN a.attstattarget >= 0 THEN 'SET STATISTICS ' || a.attstattarget END",
  `CASE WHEN a.attoptions IS NOT NULL THEN 'SET (' || ${sorted("SELECT unnest(a.attoptions)")} || ')' END`,
];

/** State of an index that its definition leaves out; pg_index i and its pg_class x. */
export const indexState = [
  "CASE WHEN NOT i.indisvalid THEN 'INVALID' END",
  "CASE WHEN i.indisclustered THEN 'CLUSTER' END",
  "CASE WHEN i.indisreplident THEN 'REPLICA IDENTITY' END",
  `'SET ' || ${tablespace("x.reltablespace")}`,
  `CASE WHEN i.indexprs IS NOT NULL THEN nullif(array_to_string(ARRAY(
    SELECT 'ALTER COLUMN ' || a.attnum || ' SET STATISTICS ' || a.attstattarget
    FROM pg_attribute a WHERE a.attrelid = i.indexrelid AND a.attstattarget >= 0 ORDER BY a.attnum), '; '), '') END`,
];

/** The kind of a relation, as its key says it. */
export const relationKind = (column: string) =>
  `CASE ${column} WHEN 'v' THEN 'view' WHEN 'm' THEN 'materialized view' WHEN 'f' THEN 'foreign table' ELSE 'table' END`;
