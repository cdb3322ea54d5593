/** Tables of the query that the kinds share. $1 is the list of schemas that are compared. */
import { relationKind, standsAlone } from "./fragments.ts";

export const sharedTables = `
namespace AS (
  SELECT oid, nspowner, quote_ident(nspname) AS schema, 'schema ' || quote_ident(nspname) AS key
  FROM pg_namespace
  WHERE nspname = ANY ($1)
),
relation AS (
  SELECT c.*, n.schema, n.key AS schema_key, quote_ident(c.relname) AS name,
    ${relationKind("c.relkind")} || ' ' || n.schema || '.' || quote_ident(c.relname) AS key
  FROM pg_class c JOIN namespace n ON n.oid = c.relnamespace
  WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f') AND ${standsAlone("pg_class", "c.oid")}
),
routine AS (
  SELECT p.*, n.schema, n.key AS schema_key,
    quote_ident(p.proname) || '(' || oidvectortypes(p.proargtypes) || ')' AS name
  FROM pg_proc p JOIN namespace n ON n.oid = p.pronamespace
  WHERE ${standsAlone("pg_proc", "p.oid")}
),
type AS (
  SELECT t.*, n.schema, n.key AS schema_key, quote_ident(t.typname) AS name
  FROM pg_type t JOIN namespace n ON n.oid = t.typnamespace
  WHERE t.typtype IN ('e', 'd', 'r', 'c') AND ${standsAlone("pg_type", "t.oid")}
),
-- NOT NULL that does not hold for all rows or all children: few, where there are as many others as columns
loose_not_null AS MATERIALIZED (
  SELECT conrelid, conkey[1] AS attnum,
    concat_ws(' ', CASE WHEN connoinherit THEN 'NO INHERIT' END, CASE WHEN NOT convalidated THEN 'NOT VALID' END) AS state
  FROM pg_constraint WHERE contype = 'n' AND (connoinherit OR NOT convalidated)
)`;
