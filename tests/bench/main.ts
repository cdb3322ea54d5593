/** `bun run bench`: how fast Tenantry is, beside others, in one run. README.md says what each row means. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { availableParallelism, cpus, loadavg, release, tmpdir } from "node:os";
import { join } from "node:path";
import { ROOT } from "../../scripts/prepare.ts";
import { belowFloors, faultsOfMachine, median, type Noise } from "./arithmetic.ts";
import { toChart } from "./chart.ts";
import { startDatabase } from "./database.ts";
import floors from "./floors.json";
import { growthTables, measureGrowth } from "./growth.ts";
import { type Machine, measureRow, type RowResult, spreadOf } from "./measure.ts";
import { HELP, type Options, readOptions } from "./options.ts";
import { type Report, ratiosOf, toMarkdown, trustLine } from "./report.ts";
import { CHECKED, chooseRows, ROWS } from "./rows/all.ts";
import { makeWorld } from "./world.ts";

const loadAtStart = (loadavg()[0] ?? 0) / availableParallelism();
const HOME = join(ROOT, ".data", "bench");
const folder = mkdtempSync(join(tmpdir(), "tenantry-bench-"));
/** What to undo at the end, the last first. */
const started: { stop(): unknown }[] = [];
for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => void end(1));
try {
  await end(await main(readOptions(process.argv.slice(2))));
} catch (err) {
  console.error(err instanceof Error ? err.message : err);
  await end(2);
}

async function main(options: Options): Promise<number> {
  if (options.help) {
    console.log(`${HELP}\nRows: ${ROWS.map(({ key }) => key).join(", ")}`);
    return 0;
  }
  const chosen = chooseRows(options.check && options.only.length === 0 ? CHECKED : options.only);
  const machine: Machine = { bareRates: [], foreignShares: [] };
  if (options.growth) {
    const grown = await measureGrowth(options, folder, machine);
    const markdown = `${trustLine(noiseOf(machine))}\n\n${growthTables(grown)}`;
    keep("growth.md", `${markdown}\n`);
    console.log(markdown);
    return 0;
  }
  const startedAt = new Date().toISOString();
  console.error(`${options.users} users, ${options.auditRows} audit rows …`);
  const database = await startDatabase(folder, options);
  started.push(database);
  const world = await makeWorld(options, database, folder);
  started.push(world);

  const rows: RowResult[] = [];
  const failed: string[] = [];
  for (const row of chosen) {
    console.error(`${row.key} …`);
    try {
      rows.push(await measureRow(world, row, machine));
    } catch (err) {
      // What was measured before it, and will be after, is half an hour of a machine.
      failed.push(row.key);
      console.error(`${row.key}: ${err instanceof Error ? err.message : err}`);
    }
  }
  const noise = noiseOf(machine);
  write({ startedAt, machine: describeMachine(), options, noise, rows });
  if (failed.length > 0) console.error(`Not measured: ${failed.join(", ")}`);
  if (options.check && judge(rows, noise) !== 0) return 1;
  return failed.length > 0 ? 2 : 0;
}

function noiseOf(machine: Machine): Noise {
  return {
    loadAtStart,
    bareSpread: machine.bareRates.length > 0 ? spreadOf(machine) : 0,
    foreignShare: machine.foreignShares.length > 0 ? median(machine.foreignShares) : 0,
  };
}

function describeMachine(): Report["machine"] {
  const [cpu] = cpus();
  return {
    cores: availableParallelism(),
    cpu: cpu?.model ?? "",
    kernel: release(),
    bun: Bun.version,
  };
}

/** Into .data/bench, where the newest is always under the same names; the table to standard output as well. */
function write(report: Report): void {
  const json = JSON.stringify(report, null, 2);
  const markdown = toMarkdown(report);
  keep(`${report.startedAt.replace(/[:.]/g, "-")}.json`, json);
  keep("latest.json", json);
  keep("latest.md", `${markdown}\n`);
  keep("latest.svg", toChart(report.rows.flatMap(({ ratios }) => ratios)));
  console.log(markdown);
  console.error(`\nWritten to ${HOME}`);
}

function keep(name: string, text: string): void {
  mkdirSync(HOME, { recursive: true });
  writeFileSync(join(HOME, name), text);
}

/** A noisy machine proves nothing, so it fails nobody. */
function judge(rows: RowResult[], noise: Noise): number {
  const below = belowFloors(ratiosOf(rows), floors);
  const faults = faultsOfMachine(noise);
  if (below.length === 0) return 0;
  console.error(`Slower than it was:\n  ${below.join("\n  ")}`);
  if (faults.length === 0) return 1;
  console.error(`But the machine is too noisy to say so: ${faults.join("; ")}`);
  return 0;
}

async function end(status: number): Promise<never> {
  for (const { stop } of started.reverse()) await stop();
  rmSync(folder, { recursive: true, force: true });
  process.exit(status);
}
