/** Reads what the live database has besides what is compared, and a repair must not lose. */
import type pg from "pg";
import { inReadTransaction, readCatalog } from "../catalog/catalog.ts";
import type { Scope } from "../catalog/objects.ts";
import { readDependants } from "../database/uncompared.ts";
import { type CatalogObject, keyOf } from "../model/object.ts";
import type { Surroundings } from "./task.ts";

const ME = "SELECT quote_ident(current_user) AS me";
const SIZES = `
SELECT c.oid::regclass::text AS name,
  concat(pg_size_pretty(sum(pg_total_relation_size(r.oid))), ', about ', sum(greatest(r.reltuples, 0))::bigint, ' rows') AS size
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
CROSS JOIN LATERAL (SELECT c.oid UNION SELECT relid FROM pg_partition_tree(c.oid)) p JOIN pg_class r ON r.oid = p.oid
WHERE c.relkind IN ('r', 'p') AND n.nspname = ANY ($1) GROUP BY c.oid`;

const SCHEMAS = `
SELECT nspname::text AS name FROM pg_namespace
WHERE nspname <> ALL ($1) AND nspname !~ '^pg_' AND nspname <> 'information_schema'`;

/** What goes with an object that is made anew. */
const ATTACHED = "owner,grant,comment,index,statistics object,rule,trigger,policy".split(",");

/** @param compared what of the live database is compared. */
export function readSurroundings(
  client: pg.Client,
  { schemas }: Scope,
  compared: CatalogObject[],
): Promise<Surroundings> {
  return inReadTransaction(client, async () => {
    const { rows: me } = await client.query<{ me: string }>(ME);
    const all = await readCatalog(client, schemas, { owners: true, grants: true });
    const isMine = ({ kind, definition }: CatalogObject) =>
      kind === "owner" && definition === me[0]?.me;
    const attached = all.filter((one) => ATTACHED.includes(one.kind) && !isMine(one));
    const { rows: sizes } = await client.query<{ name: string; size: string }>(SIZES, [schemas]);
    const known = new Set(compared.map(keyOf));
    const others = await readCatalog(client, await schemasBeside(client, schemas));
    const beside = [...all, ...others].filter((one) => one.schema !== "" || one.kind === "schema");
    return {
      beside: beside.filter((one) => !known.has(keyOf(one))),
      dependants: await readDependants(client, schemas),
      attached: byParent(attached),
      sizes: new Map(sizes.map(({ name, size }) => [name, size])),
    };
  });
}

async function schemasBeside(client: pg.Client, schemas: string[]): Promise<string[]> {
  const { rows } = await client.query<{ name: string }>(SCHEMAS, [schemas]);
  return rows.map(({ name }) => name);
}

function byParent(objects: CatalogObject[]): Map<string, CatalogObject[]> {
  const groups = new Map<string, CatalogObject[]>();
  for (const object of objects)
    groups.set(object.parent, [...(groups.get(object.parent) ?? []), object]);
  return groups;
}
