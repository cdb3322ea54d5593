/** What an owner may do is no grant, and is listed nowhere. */
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
