/** Rights of those who need no grant, or who get one for the check alone. */
import type pg from "pg";
import { type CatalogObject, keyOf } from "../model/object.ts";
import { inReadTransaction, OBJECT, union } from "./catalog.ts";
import { attachedTables, key, owner } from "./kinds/attached.ts";
import { sharedTables } from "./kinds/shared-tables.ts";
import { declaredKinds, objectKinds } from "./kinds.ts";

const RIGHTS = `WITH ${sharedTables},
object AS MATERIALIZED (
${union({ ...objectKinds, ...declaredKinds }, OBJECT)}
),
${attachedTables}
SELECT name FROM (
  SELECT concat('on ', ${key}, ' to ', quote_ident(pg_get_userbyid(${owner}))) AS name FROM addressed a
) AS own WHERE name = ANY ($2)`;

/**
 * Leaves out of what is expected the grants to whoever owns the object live: in a scratch database it is another's, and
 * there the grant is one.
 */
export async function withoutOwnRights(
  client: pg.Client,
  schemas: string[],
  { expected, actual }: Record<"expected" | "actual", CatalogObject[]>,
): Promise<CatalogObject[]> {
  const present = new Set(actual.map(keyOf));
  const isMissing = (one: CatalogObject) => one.kind === "grant" && !present.has(keyOf(one));
  const missing = expected.filter(isMissing).map(({ name }) => name);
  if (missing.length === 0) return expected;
  const { rows } = await inReadTransaction(client, () =>
    client.query<{ name: string }>(RIGHTS, [schemas, missing]),
  );
  const own = new Set(rows.map(({ name }) => name));
  return expected.filter((one) => !(isMissing(one) && own.has(one.name)));
}

/** What lets nobody do more than read, and is not passed on. A sequence that is used is changed. */
const READS: [name: RegExp, definition: RegExp][] = [
  [/^on database /, /^CONNECT$/],
  [/^on schema /, /^USAGE$/],
  [/^on (table|view|materialized view|foreign table|column|sequence) /, /^SELECT$/],
  [/^(in schema .*)?on (tables|sequences) /, /^GRANT SELECT$/],
  [/^on schemas /, /^GRANT USAGE$/],
];

/**
 * Keys of the grants by which this login reads, where no file speaks of it: it is there for the check, and a repair that took
 * them would be its last. One that is declared anything is one of the project's, and held to that.
 * @param named roles that a manifest declares.
 */
export async function ownReading(
  client: pg.Client,
  named: readonly string[],
  { expected, actual }: Record<"expected" | "actual", CatalogObject[]>,
): Promise<Set<string>> {
  const { rows } = await client.query<{ me: string; role: string }>(
    "SELECT pg_catalog.quote_ident(current_user) AS me, current_user AS role",
  );
  const { me = "", role = "" } = rows[0] ?? {};
  const isMine = ({ kind, name }: CatalogObject) =>
    (kind === "grant" || kind === "default privilege") && name.endsWith(` to ${me}`);
  if (named.includes(role) || expected.some(isMine)) return new Set();
  const isReading = ({ name, definition }: CatalogObject) =>
    READS.some(([names, definitions]) => names.test(name) && definitions.test(definition));
  return new Set(actual.filter((one) => isMine(one) && isReading(one)).map(keyOf));
}
