/**
 * `bun run bench:drift`: what the drift check costs. Medians of whole runs on one embedded server; the ratios compare
 * commands that ran in turn, and are what carries over to another machine.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import pg from "pg";
import { inReadTransaction } from "../../packages/drift/src/catalog/catalog.ts";
import { readObjects } from "../../packages/drift/src/catalog/objects.ts";
import { diff } from "../../packages/drift/src/model/diff.ts";
import { startEmbedded } from "../../scripts/embedded-postgres.ts";
import { changesByHand, writeHistory } from "./drift-history.ts";

const ROOT = join(import.meta.dir, "..", "..");
const RUNS = 7;
const HISTORY_RUNS = 3;
const SCOPE = { schemas: ["public"], owners: false, grants: true };
const TABLES = 2000;

const folder = mkdtempSync(join(tmpdir(), "tenantry-bench-"));
const server = await startEmbedded({ dataDir: join(folder, "postgres"), disposable: true });
try {
  const tenantry = await database("tenantry");
  await command(["bunx", "prisma", "migrate", "deploy"], tenantry);
  await compare("Tenantry", tenantry);

  const big = await database("big");
  await onServer(big, bigSchema());
  await compare(`${TABLES} tables`, big);

  await inTurn(
    {
      "bun run drift --snapshot": ["bun", "packages/drift/src/cli/drift.ts", "--snapshot"],
      "bun run drift": ["bun", "packages/drift/src/cli/drift.ts"],
      "bun run drift parity": ["bun", "packages/drift/src/cli/drift.ts", "parity"],
      "prisma migrate diff": [
        ...["bunx", "prisma", "migrate", "diff", "--from-migrations", "prisma/migrations"],
        ...["--to-schema", "prisma/schema.prisma", "--exit-code"],
      ],
    },
    tenantry,
  );

  await longHistory();
} finally {
  server.stop();
  rmSync(folder, { recursive: true, force: true });
}

/** The work of a check against a snapshot: connect, read the live catalog, compare. */
async function compare(name: string, url: string): Promise<void> {
  const expected = await readLive(url);
  const times: number[] = [];
  for (let run = 0; run < RUNS; run += 1) {
    const start = performance.now();
    const differences = diff(expected, await readLive(url));
    times.push(performance.now() - start);
    if (differences.length > 0) throw new Error("a database differs from itself");
  }
  console.log(
    `${name}: ${expected.length} objects, live against snapshot ${median(times).toFixed(0)} ms`,
  );
}

async function readLive(url: string) {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    return await inReadTransaction(client, () => readObjects(client, SCOPE));
  } finally {
    await client.end();
  }
}

/** A B C A B C …, so that a machine that slows down slows all of them. */
async function inTurn(commands: Record<string, string[]>, url: string): Promise<void> {
  const times = new Map(Object.keys(commands).map((name) => [name, [] as number[]]));
  for (let run = 0; run <= RUNS; run += 1) {
    for (const [name, argv] of Object.entries(commands)) {
      const start = performance.now();
      await command(argv, url);
      if (run > 0) times.get(name)?.push(performance.now() - start);
    }
  }
  const reference = median(times.get("prisma migrate diff") ?? []);
  for (const [name, all] of times) {
    const millis = median(all);
    console.log(
      `${name.padEnd(26)} ${millis.toFixed(0).padStart(5)} ms   ${(millis / reference).toFixed(2)} of prisma migrate diff`,
    );
  }
}

/** A check of a long history: first where nothing differs, then with findings, whose places in it are looked for. */
async function longHistory(): Promise<void> {
  const project = join(folder, "history");
  const url = await database("history");
  const { migrations, findings } = await writeHistory(project, (sql) => onServer(url, sql));
  const check = ["bun", join(ROOT, "packages/drift/src/cli/drift.ts"), "--no-repair"];
  const measure = async (code: number) => {
    const times: number[] = [];
    for (let run = 0; run < HISTORY_RUNS; run += 1) {
      const start = performance.now();
      await command(check, url, { cwd: project, code });
      times.push(performance.now() - start);
    }
    return `${(median(times) / 1000).toFixed(1)} s`;
  };
  console.log(`${migrations} migrations, no finding: ${await measure(0)}`);
  await onServer(url, changesByHand());
  console.log(
    `${migrations} migrations, ${findings} findings with their places: ${await measure(2)}`,
  );
}

async function command(
  argv: string[],
  url: string,
  { cwd = ROOT, code = 0 }: { cwd?: string; code?: number } = {},
): Promise<void> {
  const shadow = await database(`shadow_${crypto.randomUUID().replaceAll("-", "")}`);
  const child = Bun.spawn(argv, {
    cwd,
    env: { ...process.env, DATABASE_URL: url, SHADOW_DATABASE_URL: shadow },
    stdout: "pipe",
    stderr: "pipe",
  });
  if ((await child.exited) !== code)
    throw new Error(`${argv.join(" ")}\n${await child.stdout.text()}${await child.stderr.text()}`);
}

async function database(name: string): Promise<string> {
  await onServer(server.url, `CREATE DATABASE ${name}`);
  return server.url.replace(/\/postgres$/, `/${name}`);
}

async function onServer(url: string, sql: string): Promise<void> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  await client.query(sql);
  await client.end();
}

/** Each table: a primary key, four CHECKs, a foreign key and four indexes. */
function bigSchema(): string {
  return Array.from({ length: TABLES }, (_, n) => {
    const parent = n === 0 ? "" : `REFERENCES t${n - 1} (id)`;
    return `
      CREATE TABLE t${n} (
        id uuid PRIMARY KEY, parent uuid ${parent}, a int CHECK (a > 0), b text CHECK (b <> ''),
        c timestamptz CHECK (c > '2000-01-01'), d jsonb CHECK (jsonb_typeof(d) = 'object'));
      CREATE INDEX t${n}_parent ON t${n} (parent);
      CREATE INDEX t${n}_a ON t${n} (a) WHERE b IS NOT NULL;
      CREATE INDEX t${n}_b ON t${n} (lower(b));
      CREATE INDEX t${n}_c ON t${n} (c DESC, id);`;
  }).join("");
}

function median(values: number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
}
