/** `bun run bench --growth`: the same requests on databases of different sizes. */
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { startDatabase } from "./database.ts";
import { type Side, type SideResult, summarise } from "./measure.ts";
import type { Options } from "./options.ts";
import { ROWS } from "./rows/all.ts";
import { makeWorld, type World } from "./world.ts";

type Size = Pick<Options, "users" | "tenants">;
export type Grown = Size & { rows: Map<string, SideResult> };

/** More users in as many tenants, then as many users in more tenants. */
const SIZES: Size[] = [
  ...[1000, 10_000, 100_000, 1_000_000].map((users) => ({ users, tenants: 100 })),
  ...[10, 1000, 10_000].map((tenants) => ({ users: 100_000, tenants })),
];
const MEASURED = ["login", "me", "refresh", "list", "get", "search", "audit", "create"];
/** Rows of the audit log for each user, up to as many as one would not wait for. */
const AUDIT_ROWS_EACH = 10;
const MOST_AUDIT_ROWS = 2_000_000;
/** Beyond those of the owners: enough to refresh. */
const SESSIONS = 2000;

/** @param folder for the databases, which are there one after the other. */
export async function measureGrowth(options: Options, folder: string): Promise<Grown[]> {
  const grown: Grown[] = [];
  for (const size of SIZES.filter(({ users }) => users <= options.users)) {
    console.error(`${size.users} users, ${size.tenants} tenants …`);
    const home = join(folder, `${size.users}-${size.tenants}`);
    mkdirSync(home);
    const database = await startDatabase(home, options);
    try {
      const world = await makeWorld({ ...options, ...rest(size), ...size }, database, home);
      grown.push({ ...size, rows: await measureAll(world).finally(world.stop) });
    } finally {
      database.stop();
    }
  }
  return grown;
}

function rest({ users, tenants }: Size): Pick<Options, "auditRows" | "sessions"> {
  return {
    auditRows: Math.min(users * AUDIT_ROWS_EACH, MOST_AUDIT_ROWS),
    sessions: tenants + SESSIONS,
  };
}

/** Ours alone: the first side of each row. */
async function measureAll(world: World): Promise<Map<string, SideResult>> {
  const rows = new Map<string, SideResult>();
  for (const { key, sides } of ROWS.filter((row) => MEASURED.includes(row.key))) {
    const ours = (await sides?.(world))?.[0];
    const loads: Awaited<ReturnType<Side["run"]>>[] = [];
    for (let round = 0; ours && round < world.options.rounds; round += 1)
      loads.push(await ours.run());
    rows.set(key, summarise("Tenantry", loads));
  }
  return rows;
}

/** A line a size: requests a second, and the median time of one. */
export function growthTable(grown: readonly Grown[]): string {
  const head = ["users", "tenants", ...MEASURED];
  const lines = grown.map(({ users, tenants, rows }) => [
    users.toLocaleString("en"),
    tenants.toLocaleString("en"),
    ...MEASURED.map((key) => {
      const row = rows.get(key);
      return row ? `${Math.round(row.rate)}/s, ${row.p50Millis.toFixed(1)} ms` : "";
    }),
  ]);
  return [head, head.map(() => "---"), ...lines]
    .map((cells) => `| ${cells.join(" | ")} |`)
    .join("\n");
}
