/** Reads what the live database has besides what is compared, and a repair must not lose. */
import type pg from "pg";
import { inReadTransaction, readCatalog } from "../catalog/catalog.ts";
import type { Scope } from "../catalog/objects.ts";
import { readDependants } from "../database/uncompared.ts";
import type { CatalogObject } from "../model/object.ts";
import type { Surroundings } from "./task.ts";

const ME = "SELECT quote_ident(current_user) AS me";
const SIZES = `
SELECT c.oid::regclass::text AS name,
  concat(pg_size_pretty(sum(pg_total_relation_size(r.oid))), ', about ', sum(greatest(r.reltuples, 0))::bigint, ' rows') AS size
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
CROSS JOIN LATERAL (SELECT c.oid UNION SELECT relid FROM pg_partition_tree(c.oid)) p JOIN pg_class r ON r.oid = p.oid
WHERE c.relkind IN ('r', 'p') AND n.nspname = ANY ($1) GROUP BY c.oid`;

/** What goes with an object that is made anew. */
const ATTACHED = "owner,grant,comment,index,statistics object,rule,trigger,policy".split(",");

export function readSurroundings(client: pg.Client, { schemas }: Scope): Promise<Surroundings> {
  return inReadTransaction(client, async () => {
    const { rows: me } = await client.query<{ me: string }>(ME);
    const all = await readCatalog(client, schemas, { owners: true, grants: true });
    const isMine = ({ kind, definition }: CatalogObject) =>
      kind === "owner" && definition === me[0]?.me;
    const attached = all.filter((one) => ATTACHED.includes(one.kind) && !isMine(one));
    const { rows: sizes } = await client.query<{ name: string; size: string }>(SIZES, [schemas]);
    return {
      dependants: await readDependants(client, schemas),
      attached: byParent(attached),
      sizes: new Map(sizes.map(({ name, size }) => [name, size])),
    };
  });
}

function byParent(objects: CatalogObject[]): Map<string, CatalogObject[]> {
  const groups = new Map<string, CatalogObject[]>();
  for (const object of objects)
    groups.set(object.parent, [...(groups.get(object.parent) ?? []), object]);
  return groups;
}
