/** Reads what the live database has besides what is compared, and a repair must not lose. */
import type pg from "pg";
import { inReadTransaction, readCatalog } from "../catalog/catalog.ts";
import type { Scope } from "../catalog/objects.ts";
import { readDependants } from "../database/uncompared.ts";
import type { Surroundings } from "./task.ts";

const ME = "SELECT quote_ident(current_user) AS me";
const SIZES = `
SELECT c.oid::regclass::text AS name,
  concat(pg_size_pretty(sum(pg_total_relation_size(r.oid))), ', about ', sum(greatest(r.reltuples, 0))::bigint, ' rows') AS size
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
CROSS JOIN LATERAL (SELECT c.oid UNION SELECT relid FROM pg_partition_tree(c.oid)) p JOIN pg_class r ON r.oid = p.oid
WHERE c.relkind IN ('r', 'p') AND n.nspname = ANY ($1) GROUP BY c.oid`;

export function readSurroundings(
  client: pg.Client,
  { schemas, owners: areCompared }: Scope,
): Promise<Surroundings> {
  return inReadTransaction(client, async () => {
    const { rows: me } = await client.query<{ me: string }>(ME);
    const owners = areCompared ? [] : await readCatalog(client, schemas, { owners: true });
    const { rows: sizes } = await client.query<{ name: string; size: string }>(SIZES, [schemas]);
    return {
      dependants: await readDependants(client, schemas),
      owners: new Map(
        owners
          .filter(({ kind, definition }) => kind === "owner" && definition !== me[0]?.me)
          .map((owner) => [owner.parent, owner]),
      ),
      sizes: new Map(sizes.map(({ name, size }) => [name, size])),
    };
  });
}
