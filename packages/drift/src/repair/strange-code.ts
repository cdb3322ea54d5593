/**
 * Code of others that is not as it is declared. A repair that is applied runs on the live database, where a change of a column's
 * type calls what the CHECKs of its table call, and with the rights of whoever repairs.
 */
import type pg from "pg";
import { type CatalogObject, keyOf } from "../model/object.ts";
import type { Step } from "./plan.ts";

/**
 * Routines of roles that are neither the login nor superusers. Of schemas that are not compared those that a rule, a column, a
 * cast or an event trigger calls.
 */
const ROUTINES = `
SELECT CASE p.prokind WHEN 'p' THEN 'procedure ' WHEN 'a' THEN 'aggregate ' ELSE 'function ' END
    || quote_ident(n.nspname) || '.' || quote_ident(p.proname) || '(' || oidvectortypes(p.proargtypes) || ')' AS key,
  quote_ident(r.rolname) AS owner
FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace JOIN pg_roles r ON r.oid = p.proowner
WHERE p.oid >= 16384 AND r.rolname <> current_user AND NOT r.rolsuper
  AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_proc'::regclass AND d.objid = p.oid AND d.deptype = 'e')
  AND (n.nspname = ANY ($1) OR EXISTS (
    SELECT FROM pg_depend d WHERE d.refclassid = 'pg_proc'::regclass AND d.refobjid = p.oid
      AND d.classid IN ('pg_constraint'::regclass, 'pg_attrdef'::regclass, 'pg_cast'::regclass, 'pg_operator'::regclass,
        'pg_event_trigger'::regclass)))
ORDER BY 1`;

/** They run with the rights of whoever changes something, whatever it is. */
const FIRING = `
SELECT quote_ident(evtname) AS name FROM pg_event_trigger WHERE evtenabled IN ('O', 'A') AND evtevent <> 'login' ORDER BY 1`;

/** What evaluates expressions of the database. An index is built with the rights of the table's owner. */
const EVALUATES =
  /^ALTER (TABLE|DOMAIN|TYPE) .*( TYPE | ADD (COLUMN|CONSTRAINT .* CHECK)|VALIDATE CONSTRAINT|ATTACH PARTITION|SET EXPRESSION)|^(REFRESH|CREATE) MATERIALIZED VIEW/s;

/** Names of the event triggers that a repair sets off. */
export async function firingTriggers(client: pg.Client): Promise<string[]> {
  const { rows } = await client.query<{ name: string }>(FIRING);
  return rows.map(({ name }) => name);
}

/** The routines that would run, and whose they are; nothing where none would. A step that makes one anew has its declared text. */
export async function strangeCode(
  client: pg.Client,
  { actual, expected }: Record<"actual" | "expected", CatalogObject[]>,
  schemas: string[],
  steps: Step[],
): Promise<string[]> {
  const { rows } = await client.query<{ key: string; owner: string }>(ROUTINES, [schemas]);
  const live = new Map(actual.map((object) => [keyOf(object), object.definition]));
  const declared = new Map(expected.map((object) => [keyOf(object), object.definition]));
  const strange = new Map(rows.map(({ key, owner }) => [key, owner]));
  for (const key of strange.keys())
    if (live.has(key) && live.get(key) === declared.get(key)) strange.delete(key);
  if (strange.size === 0) return [];
  const isObserved = (await firingTriggers(client)).length > 0;
  for (const { key, sql } of steps) {
    strange.delete(key);
    const runs = isObserved || sql.some((statement) => EVALUATES.test(statement));
    if (strange.size > 0 && runs)
      return [...strange].map(([routine, owner]) => `${routine} of ${owner}`);
  }
  return [];
}
