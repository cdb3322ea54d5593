/** `bun run bench --growth`: the same requests on databases of different sizes. */
import { mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { startDatabase } from "./database.ts";
import type { Load } from "./load/plan.ts";
import { bareRoute, type Machine, type Row, type SideResult, summarise } from "./measure.ts";
import type { Options } from "./options.ts";
import { ROWS } from "./rows/all.ts";
import { findingOne } from "./rows/search.ts";
import { makeWorld, type World } from "./world.ts";

type Size = Pick<Options, "users" | "tenants">;
export type Grown = Size & { rows: Map<string, SideResult> };
/** Sizes of which each is larger than the one before, by one measure. */
export type Axis = { grows: "users" | "tenants"; sizes: Size[] };

const AXES: Axis[] = [
  {
    grows: "users",
    sizes: [1000, 10_000, 100_000, 1_000_000].map((users) => ({ users, tenants: 100 })),
  },
  {
    grows: "tenants",
    sizes: [10, 100, 1000, 10_000].map((tenants) => ({ users: 100_000, tenants })),
  },
];
const KEYS = ["login", "me", "refresh", "list", "get", "search", "audit", "create"];
/** Of whom a search finds more as there are more users; of the last row it finds one. */
const MEASURED: Row[] = [...ROWS.filter(({ key }) => KEYS.includes(key)), findingOne];
/** Rows of the audit log for each user, up to as many as one would not wait for. */
const AUDIT_ROWS_EACH = 10;
const MOST_AUDIT_ROWS = 2_000_000;
/** Beyond those of the owners: enough to refresh. */
const SESSIONS = 2000;

/**
 * @param folder for the databases, which are there one after the other.
 * @param machine is told what it did meanwhile.
 */
export async function measureGrowth(
  options: Options,
  folder: string,
  machine: Machine,
): Promise<Grown[]> {
  const sizes = new Map(
    AXES.flatMap((axis) => axis.sizes)
      .filter(({ users }) => users <= options.users)
      .map((size) => [`${size.users}-${size.tenants}`, size]),
  );
  const grown: Grown[] = [];
  for (const [name, size] of sizes) {
    const home = join(folder, name);
    mkdirSync(home);
    const begun = performance.now();
    const seconds = () => Math.round((performance.now() - begun) / 1000);
    const database = await startDatabase(home, options);
    try {
      const world = await makeWorld({ ...options, ...rest(size), ...size }, database, home);
      console.error(`${size.users} users, ${size.tenants} tenants: filled in ${seconds()} s …`);
      grown.push({ ...size, rows: await measureAll(world, machine).finally(world.stop) });
      console.error(`measured after ${seconds()} s`);
    } finally {
      database.stop();
      rmSync(home, { recursive: true, force: true });
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
async function measureAll(world: World, machine: Machine): Promise<Map<string, SideResult>> {
  const rows = new Map<string, SideResult>();
  machine.bareRates.push((await bareRoute(world, 1, 0.2)).rate);
  for (const { key, sides } of MEASURED) {
    const ours = (await sides?.(world))?.[0];
    const loads: Load[] = [];
    for (let round = 0; ours && round < world.options.rounds; round += 1)
      loads.push(await ours.run());
    machine.foreignShares.push(...loads.map(({ foreignShare }) => foreignShare));
    rows.set(key, summarise("Tenantry", loads));
  }
  return rows;
}

/**
 * A table for users and one for tenants: requests a second, and the CPU time of one in microseconds, of the server and of
 * the database. CPU time is what grows; how many are answered in a second is the machine's too.
 */
export function growthTables(grown: readonly Grown[]): string {
  return AXES.flatMap(({ grows, sizes }) => {
    const measured = sizes.flatMap(
      (size) =>
        grown.find(({ users, tenants }) => users === size.users && tenants === size.tenants) ?? [],
    );
    return measured.length > 1 ? [growthTable(grows, measured)] : [];
  }).join("\n\n");
}

function growthTable(grows: Axis["grows"], measured: readonly Grown[]): string {
  const numbers = measured.map((size) => size[grows].toLocaleString("en"));
  const head = ["request", ...numbers.map((number) => `${number} ${grows}`), "last to first"];
  const lines = MEASURED.map(({ key }) => {
    const results = measured.flatMap(({ rows }) => rows.get(key) ?? []);
    const [first, last] = [results[0], results.at(-1)];
    const growth = first && last ? (cpuOf(last) / cpuOf(first)).toFixed(1) : "";
    return [key, ...results.map(cell), growth];
  });
  return [head, head.map(() => "---"), ...lines]
    .map((cells) => `| ${cells.join(" | ")} |`)
    .join("\n");
}

function cell({ rate, serverMicros, databaseMicros }: SideResult): string {
  const [server, database] = [serverMicros, databaseMicros].map(Math.round);
  return `${Math.round(rate).toLocaleString("en")}/s, ${server} + ${database} µs`;
}

function cpuOf({ serverMicros, databaseMicros }: SideResult): number {
  return serverMicros + databaseMicros;
}
